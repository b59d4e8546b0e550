// The cache's setting, its use, its emptying.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/files.hh"
#include "data/cache/cache_folder.hh"
#include "data/cache/file_cache.hh"

namespace werkbank::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kGiB = 1024ULL * 1024 * 1024;
constexpr uint64_t kLimitMin = 16 * kCachePieceBytes;

fs::path limit_path(const fs::path& folder) { return folder / "limit"; }

uint64_t usual_limit(const fs::path& folder) {
  struct statvfs facts{};
  fs::path there = folder;
  while (::statvfs(there.c_str(), &facts) != 0 && there.has_relative_path()) there = there.parent_path();
  const uint64_t whole = static_cast<uint64_t>(facts.f_blocks) * facts.f_frsize;
  return std::clamp(whole / 10, kGiB, 64 * kGiB);
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  const auto refused = [text] {
    return fail(errors::usage, fmt::format("{:?} is no size", text), "Write a number and a unit: 20GB, 512MiB, 1.5TB.");
  };
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || !(number >= 0)) return refused();
  std::string unit(end, text.data() + text.size());
  std::erase(unit, ' ');
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const bool binary = unit.ends_with("IB");
  if (binary) unit.erase(unit.size() - 2);
  if (!binary && unit.ends_with('B')) unit.pop_back();
  constexpr std::string_view kUnits = "KMGT";
  const size_t power = unit.empty() ? 0 : kUnits.find(unit[0]) + 1;
  if (unit.size() > 1 || (!unit.empty() && power == 0)) return refused();
  for (size_t i = 0; i < power; ++i) number *= binary ? 1024 : 1000;
  if (number > 9e18) return refused();
  return static_cast<uint64_t>(number);
}

uint64_t cache_limit(const fs::path& folder) {
  constexpr uint64_t kTextMax = 64;
  const Result<std::string> text = read_file(limit_path(folder), kTextMax);
  uint64_t limit = 0;
  if (text && std::from_chars(text->data(), text->data() + text->size(), limit).ec == std::errc() && limit >= kLimitMin)
    return limit;
  return usual_limit(folder);
}

Status set_cache_limit(const fs::path& folder, uint64_t size_bytes) {
  if (size_bytes < kLimitMin) return fail(errors::usage, fmt::format("the cache needs at least {} bytes", kLimitMin));
  CHECK_OK(make_directories(folder));
  return write_file_atomically(limit_path(folder), fmt::format("{}\n", size_bytes));
}

Result<CacheUse> cache_use(const fs::path& folder) {
  CacheUse use{.size_bytes_max = cache_limit(folder)};
  for (const detail::CacheItem& item : detail::cache_items(folder)) {
    ++use.files;
    use.size_bytes += item.size_bytes;
  }
  return use;
}

Result<uint64_t> clear_cache(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return 0;
  TRY(const FileLock lock, FileLock::lock(folder / "lock"));
  uint64_t removed = 0;
  for (const detail::CacheItem& item : detail::cache_items(folder)) {
    if (detail::remove_item(item)) removed += item.size_bytes;
  }
  return removed;
}

}  // namespace werkbank::data
