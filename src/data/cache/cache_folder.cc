#include "data/cache/cache_folder.hh"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>

#include "base/files.hh"

namespace werkbank::data::detail {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLeftoverSeconds = 3600;
constexpr uint64_t kBlockBytes = 512;

void add_file(std::map<fs::path, CacheItem>& items, const fs::path& file) {
  struct stat facts{};
  if (::lstat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
  const std::string ending = file.extension().string();
  if (ending.starts_with(".new-")) {
    if (::time(nullptr) - facts.st_mtim.tv_sec > kLeftoverSeconds) ::unlink(file.c_str());
    return;
  }
  if (!ending.empty() && ending != ".part" && ending != ".map") return;
  CacheItem& item = items[ending.empty() ? file : fs::path(file).replace_extension()];
  item.size_bytes += static_cast<uint64_t>(facts.st_blocks) * kBlockBytes;
  if (ending != ".map") item.used_ns = std::max(item.used_ns, facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec);
}

// Not there is fine; false where somebody has it open. `map` goes first: nobody may find it beside a new part.
bool remove_unused(const fs::path& file, const fs::path& map) {
  Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return errno == ENOENT;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  if (!map.empty()) ::unlink(map.c_str());
  return ::unlink(file.c_str()) == 0;
}

}  // namespace

std::vector<CacheItem> cache_items(const fs::path& folder) {
  std::map<fs::path, CacheItem> items;
  std::error_code failure;
  for (fs::directory_iterator groups(folder, failure), end; !failure && groups != end; groups.increment(failure)) {
    if (groups->path().filename().string().size() != 2) continue;
    std::error_code unreadable;
    for (fs::directory_iterator it(groups->path(), unreadable), last; !unreadable && it != last; it.increment(unreadable))
      add_file(items, it->path());
  }
  std::vector<CacheItem> list;
  list.reserve(items.size());
  for (auto& [place, item] : items) {
    item.place = place;
    list.push_back(std::move(item));
  }
  return list;
}

bool remove_item(const CacheItem& item) {
  fs::path part = item.place, map = item.place;
  part += ".part";
  map += ".map";
  return remove_unused(item.place, {}) && remove_unused(part, map);
}

uint64_t remove_oldest(std::vector<CacheItem> items, uint64_t size_bytes_target) {
  uint64_t total = 0;
  for (const CacheItem& item : items) total += item.size_bytes;
  std::ranges::sort(items, {}, &CacheItem::used_ns);
  for (const CacheItem& item : items) {
    if (total <= size_bytes_target) break;
    if (remove_item(item)) total -= item.size_bytes;
  }
  return total;
}

}  // namespace werkbank::data::detail
