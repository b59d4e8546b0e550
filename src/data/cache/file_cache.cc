#include "data/cache/file_cache.hh"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <thread>

#include "base/hash.hh"
#include "base/json.hh"
#include "data/cache/cache_folder.hh"
#include "data/shown_path.hh"

namespace werkbank::data {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kRest{30};
constexpr int kAttempts = 4;
constexpr std::chrono::milliseconds kPause{500};
constexpr uint64_t kTrimAfterMax = 256 * kCachePieceBytes;

// Some of what is removed at once, so that not every further piece begins anew.
uint64_t target_of(uint64_t size_bytes_max) { return size_bytes_max - size_bytes_max / 10; }

uint64_t free_bytes_of(const fs::path& folder) {
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0) return UINT64_MAX;
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

uint64_t piece_count(uint64_t size_bytes) { return (size_bytes + kCachePieceBytes - 1) / kCachePieceBytes; }

uint64_t piece_size(uint64_t size_bytes, uint64_t piece) {
  return std::min(kCachePieceBytes, size_bytes - piece * kCachePieceBytes);
}

std::unexpected<Error> no_room(const CachedContent& content, std::string_view why) {
  return fail(errors::disk_full,
              fmt::format("{} ({} bytes) does not fit into the cache: {}", shown_path(content.path), content.size_bytes, why),
              "Raise its limit (werkbank cache limit SIZE), free space on its disk, or download the data to a folder.");
}

}  // namespace

FileCache::FileCache(CacheOptions options)
    : options_(std::move(options)),
      size_bytes_max_(options_.size_bytes_max > 0 ? options_.size_bytes_max : cache_limit(options_.folder)) {
  if (const Status made = make_directories(options_.folder); !made) rest(made.error());
  trim();
}

FileCache::~FileCache() = default;

fs::path FileCache::place_of(const CachedContent& content) const {
  Hasher hasher;
  for (const std::string& part : {content.storage, content.path, content.etag, std::to_string(content.size_bytes)}) {
    hasher.update(part);
    hasher.update(std::string_view("\0", 1));
  }
  const std::string key = hasher.finish().hex();
  return options_.folder / key.substr(0, 2) / key.substr(2);
}

bool FileCache::is_resting() {
  const std::lock_guard lock(mutex_);
  return std::chrono::steady_clock::now() < resting_until_;
}

void FileCache::rest(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    resting_until_ = std::chrono::steady_clock::now() + kRest;
    if (std::exchange(said_full_, true)) return;
  }
  options_.log(fmt::format("the cache cannot be written, reads go on without it: {}", error.to_string()));
}

std::shared_ptr<CachedFile> FileCache::open(const CachedContent& content) {
  if (content.size_bytes > size_bytes_max_) return nullptr;
  const fs::path place = place_of(content);
  std::shared_ptr<CachedFile> file(new CachedFile(place, content.size_bytes));
  // What is there is read also from a disk that has no room for more.
  std::error_code ignored;
  if (is_resting() && !fs::exists(place, ignored)) return nullptr;
  Status opened = make_directories(place.parent_path());
  if (opened) opened = file->open_parts();
  if (opened) return file;
  rest(opened.error());
  return nullptr;
}

bool FileCache::is_over_limit() {
  if (!over_limit_) return false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < options_.look_again) return true;
    looked_ = now;
  }
  trim();  // what was open may be closed by now
  return over_limit_;
}

bool FileCache::put(CachedFile& file, uint64_t piece, std::string_view bytes) {
  if (is_resting() || is_over_limit()) return false;
  if (const Status stored = file.store(piece, bytes); !stored) {
    if (stored.error().code == &errors::disk_full) trim();
    rest(stored.error());
    return false;
  }
  count_added(bytes.size());
  return true;
}

void FileCache::count_added(uint64_t size_bytes) {
  if ((added_bytes_ += size_bytes) < std::min(size_bytes_max_ / 20, kTrimAfterMax)) return;
  added_bytes_ = 0;
  trim();
}

void FileCache::trim() {
  const auto lock = FileLock::try_lock(options_.folder / "lock");
  if (!lock || !*lock) return;  // another process is at it
  std::vector<detail::CacheItem> items = detail::cache_items(options_.folder);
  uint64_t total = 0;
  for (const detail::CacheItem& item : items) total += item.size_bytes;
  const uint64_t free_bytes = free_bytes_of(options_.folder);
  uint64_t most = size_bytes_max_;
  if (free_bytes < options_.free_bytes_min) {
    const uint64_t lacking = options_.free_bytes_min - free_bytes;
    most = std::min(most, total > lacking ? total - lacking : 0);
  }
  if (total > most) total = detail::remove_oldest(std::move(items), target_of(most));
  over_limit_ = total > most;
}

Result<fs::path> FileCache::fetch(const CachedContent& content, DataStore& store, const std::function<void(uint64_t)>& on_bytes) {
  const fs::path place = place_of(content);
  {
    const std::lock_guard lock(mutex_);
    if (pinned_.contains(place)) return place;
    if (pinned_bytes_ + content.size_bytes > size_bytes_max_)
      return no_room(content, fmt::format("its limit is {} bytes", size_bytes_max_));
  }
  const std::shared_ptr<CachedFile> file = open(content);
  if (!file) return no_room(content, "its disk cannot be written");
  int attempts = 0;
  for (uint64_t piece = 0; !file->is_whole();) {
    while (piece < piece_count(content.size_bytes) && file->has(piece)) ++piece;
    std::string bytes;
    const auto keep = [&](uint64_t size) -> Status {
      if (!put(*file, piece, std::string_view(bytes).substr(0, size))) return no_room(content, "no room is left");
      bytes.erase(0, size);
      ++piece;
      attempts = 0;
      if (on_bytes) on_bytes(size);
      return {};
    };
    const auto take = [&](std::string_view more) -> Status {
      bytes += more;
      while (piece < piece_count(content.size_bytes) && bytes.size() >= piece_size(content.size_bytes, piece))
        CHECK_OK(keep(piece_size(content.size_bytes, piece)));
      return {};
    };
    const uint64_t offset = piece * kCachePieceBytes;
    Status outcome = content.size_bytes > offset ? store.read(content.path, content.etag, offset, take) : Status();
    if (outcome && content.size_bytes == 0) CHECK_OK(keep(0));
    if (outcome && (!bytes.empty() || piece < piece_count(content.size_bytes)))
      return fail(errors::data_changed, fmt::format("{} does not have the size that was listed", shown_path(content.path)));
    if (outcome) break;
    if (outcome.error().code != &errors::storage_unavailable || ++attempts >= kAttempts) return fail(outcome.error());
    std::this_thread::sleep_for(kPause * (1 << (attempts - 1)));
  }
  file->settle();
  if (!file->is_whole()) return fail(errors::io_failed, fmt::format("{} cannot be kept in the cache", shown_path(content.path)));
  const std::lock_guard lock(mutex_);
  if (pinned_.emplace(place, file).second) pinned_bytes_ += content.size_bytes;
  return place;
}

}  // namespace werkbank::data
