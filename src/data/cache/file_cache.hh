// The shared disk cache for files of datastores. Safe for several processes and threads at once; see README.md for what lies
// where.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/files.hh"
#include "data/data_store.hh"

namespace werkbank::data {

inline constexpr uint64_t kCachePieceBytes = 1024 * 1024;

// Which file it is: the same four, the same bytes.
struct CachedContent {
  std::string storage;  // storage_identity() of its datastore
  std::string path;
  std::string etag;
  uint64_t size_bytes = 0;
};

struct CacheOptions {
  std::filesystem::path folder;
  uint64_t size_bytes_max = 0;                     // 0: what the folder's own setting says
  uint64_t free_bytes_min = 512ULL * 1024 * 1024;  // left free on its file system for others
  std::chrono::milliseconds look_again{10'000};    // while it is over its limit by what is open
  std::function<void(const std::string& line)> log = [](const std::string&) {};
};

// A file of which pieces may be there. Thread-safe. While it lives, nobody removes the file.
class CachedFile {
 public:
  ~CachedFile();
  bool has(uint64_t piece);
  // All pieces are there, and it has its name.
  bool is_whole();
  // Gives it its name where all pieces are known to be there: other processes may have brought some.
  void settle();
  int fd() const { return data_.get(); }  // pieces that are there lie at their place
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  friend class FileCache;
  CachedFile(std::filesystem::path place, uint64_t size_bytes);
  Status open_parts();
  Status begin_map();
  Status store(uint64_t piece, std::string_view bytes);
  void finish();
  std::filesystem::path part_path() const;
  std::filesystem::path map_path() const;

  const std::filesystem::path place_;
  const uint64_t size_bytes_;
  const uint64_t pieces_;
  std::mutex mutex_;
  std::vector<bool> known_;  // pieces seen to be there
  std::atomic<uint64_t> known_count_ = 0;
  bool whole_ = false;
  Fd data_;
  Fd map_;
  Fd direct_;  // the part past the kernel's cache; none where the file system does not know that
};

// What a cache holds, for people.
struct CacheUse {
  uint64_t files = 0;
  uint64_t size_bytes = 0;
  uint64_t size_bytes_max = 0;
};

class FileCache {
 public:
  // Never fails: a folder that cannot be used is said once, and everything goes uncached.
  explicit FileCache(CacheOptions options);
  ~FileCache();

  // The file's pieces, begun where nothing is there yet; nullptr: it goes uncached (too large for the limit, no room, no folder).
  std::shared_ptr<CachedFile> open(const CachedContent& content);
  // Keeps a piece; every piece but the last is kCachePieceBytes long. False: not kept.
  bool put(CachedFile& file, uint64_t piece, std::string_view bytes);

  // The whole file, fetched where it is not there: its path on this machine, where it stays at least while this object lives.
  // Pieces that are there already do not travel again. disk_full where it does not fit, data_changed where the storage has
  // another etag.
  Result<std::filesystem::path> fetch(const CachedContent& content, DataStore& store,
                                      const std::function<void(uint64_t)>& on_bytes = {});

  // Removes what was used least recently until the limit holds, but for what is open.
  void trim();

 private:
  bool is_resting();
  bool is_over_limit();
  void rest(const Error& error);
  void count_added(uint64_t size_bytes);
  std::filesystem::path place_of(const CachedContent& content) const;

  const CacheOptions options_;
  const uint64_t size_bytes_max_;
  std::mutex mutex_;
  std::map<std::filesystem::path, std::shared_ptr<CachedFile>> pinned_;  // what fetch() has answered
  uint64_t pinned_bytes_ = 0;
  bool said_full_ = false;
  std::chrono::steady_clock::time_point resting_until_{};
  std::atomic<uint64_t> added_bytes_ = 0;  // since the last trim
  std::atomic<bool> over_limit_ = false;   // by what is open: nothing more is added, until a look again
  std::chrono::steady_clock::time_point looked_{};
};

// The folder's setting; a tenth of the file system, between 1 GiB and 64 GiB, where nobody has chosen. Text: "20GB", "512MiB".
uint64_t cache_limit(const std::filesystem::path& folder);
Status set_cache_limit(const std::filesystem::path& folder, uint64_t size_bytes);
Result<uint64_t> parse_size(std::string_view text);
Result<CacheUse> cache_use(const std::filesystem::path& folder);
// Removes everything that nobody has open; the bytes removed.
Result<uint64_t> clear_cache(const std::filesystem::path& folder);

}  // namespace werkbank::data
