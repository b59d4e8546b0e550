// What the last scan of a folder found, kept from one scan to the next, as git's index is: every file with its identity, times
// and hash, folder by folder, and the id of the manifest that they make. A file whose stamp is unchanged has unchanged content.
// Only a cache: where the file is missing, damaged or of another version, it is empty. Two scans at once each replace it as a
// whole.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hh"
#include "base/result.hh"

namespace werkbank::client {

struct FileStamp {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  auto operator<=>(const FileStamp&) const = default;

  static FileStamp of(const struct stat& facts);
  static FileStamp of(const struct statx& facts);
  // A change after `started_ns` (of the clock that stamps files) must show in the stamp. It may not where the file was changed in
  // the very tick in which it was read, or where the file system keeps whole seconds only.
  bool tells_changes_after(int64_t started_ns) const;
};

// One file, as it lies in the cache's file.
struct KnownFile {
  FileStamp stamp;  // without an inode: nothing vouches for the hash any more, the file has to be read
  Hash hash;
  uint32_t name_at = 0;  // in the names
  uint16_t name_size = 0;
  uint8_t executable = 0;
  uint8_t reserved = 0;
};

// A file on its way into the cache; `path` is relative to the scanned folder.
struct FileToRemember {
  std::string_view path;
  FileStamp stamp;
  Hash hash;
  bool executable = false;
};

class SnapshotCache {
 public:
  SnapshotCache() = default;
  SnapshotCache(SnapshotCache&&) = default;  // a copy would point into the original
  SnapshotCache& operator=(SnapshotCache&&) = default;
  static SnapshotCache load(const std::filesystem::path& file);
  // `files` as in a manifest: sorted by path, each once. `rules` and `manifest`: what the getters answer after load().
  static Status write(const std::filesystem::path& file, const std::vector<FileToRemember>& files, const Hash& rules,
                      const Hash& manifest);

  bool empty() const { return files_.empty(); }
  const Hash& rules() const { return rules_; }        // of the text of the ignore rules
  const Hash& manifest() const { return manifest_; }  // the id of the manifest of all these files
  std::span<const KnownFile> files() const { return files_; }

  // The files directly in a folder ("" is the scanned one), sorted by name.
  std::span<const KnownFile> files_in(std::string_view folder) const;
  std::string_view name_of(const KnownFile& file) const;
  // The path of files()[index], folder and name.
  std::string path_of(size_t index) const;
  // Hashes by stamp alone: what was moved with its folder. Takes a moment to build; ask once.
  class ByStamp;
  ByStamp by_stamp() const;

 private:
  struct KnownFolder {
    uint32_t path_at = 0, path_size = 0;  // in the names
    uint32_t first_file = 0, file_count = 0;
  };
  struct Head;
  bool read(std::string bytes);
  std::string_view path_of(const KnownFolder& folder) const;

  std::string bytes_;  // of the file; what follows points into it
  std::span<const KnownFolder> folders_;
  std::span<const KnownFile> files_;
  std::string_view names_;
  Hash rules_, manifest_;
};

class SnapshotCache::ByStamp {
 public:
  const KnownFile* find(const FileStamp& stamp) const;

 private:
  friend class SnapshotCache;
  std::vector<const KnownFile*> sorted_;
};

}  // namespace werkbank::client
