// The hashes of a folder's files, remembered from one scan to the next, as git's index does: a file whose identity, size and
// times are unchanged has unchanged content. Only a cache: where the file is missing, damaged or of another version it is empty.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/hash.hh"
#include "base/result.hh"

namespace werkbank::client {

struct FileStamp {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  auto operator<=>(const FileStamp&) const = default;

  static FileStamp of(const struct stat& facts);
  // A change after `started_ns` (of the clock that stamps files) must show in the stamp. It may not where the file was changed in
  // the very tick in which it was read, or where the file system keeps whole seconds only.
  bool tells_changes_after(int64_t started_ns) const;
};

struct KnownHash {
  FileStamp stamp;
  Hash hash;
  auto operator<=>(const KnownHash&) const = default;
};

class SnapshotCache {
 public:
  static SnapshotCache load(const std::filesystem::path& file);
  std::optional<Hash> find(const FileStamp& stamp) const;
  // Writes the file where these are not what was loaded.
  Status replace(const std::filesystem::path& file, std::vector<KnownHash> known);

 private:
  std::vector<KnownHash> known_;  // sorted
};

}  // namespace werkbank::client
