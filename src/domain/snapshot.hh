// A snapshot's manifest: the content-addressed list of a folder's files. Format: docs/reference/snapshot-format.md (version 1).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank {

struct SnapshotEntry {
  std::string path;  // relative, '/', raw bytes of the name (need not be UTF-8: then percent-encoded in JSON)
  Hash hash;
  uint64_t size_bytes = 0;
  bool executable = false;
};

// What the sizes of a snapshot's files may come to.
inline constexpr uint64_t kSnapshotBytesMax = INT64_MAX;

// Entries sorted by path, paths unique, no path a prefix folder of another file. The id is the hash of the canonical text.
struct SnapshotManifest {
  std::vector<SnapshotEntry> entries;

  // One entry a line: "<hash> <size> <x|-> <escaped path>\n", after the line "werkbank-snapshot 1\n". Compact and easy to stream.
  std::string to_text() const;
  static Result<SnapshotManifest> parse(std::string_view text);  // refuses what is not canonical (snapshot_refused)
  Hash id() const;
  uint64_t total_bytes() const;
};

// The rule for a path in a snapshot: relative, no empty, '.' or '..' component, no NUL, at most 1024 bytes and 255 per component.
// Any other byte is allowed, so that odd names travel. path_refused otherwise.
Status check_snapshot_path(std::string_view path);

// Bytes that are not valid UTF-8, control characters, '%' and blanks at the ends become %XX (upper case); the text is valid
// UTF-8.
std::string escape_snapshot_path(std::string_view path);
// The inverse; invalid_request where the text is not exactly what escape_snapshot_path writes.
Result<std::string> unescape_snapshot_path(std::string_view text);

// One file's line of a manifest, without its line end: "<hash> <size> <x|-> <escaped path>". snapshot_refused.
Result<SnapshotEntry> parse_snapshot_line(std::string_view line);
void append_snapshot_line(const SnapshotEntry& entry, std::string& text);  // with the line end

// The line of one file in a manifest's text, found without reading the other lines; nothing where it is not there.
// The text must be canonical (it came from to_text, or parse has taken it before).
Result<std::optional<SnapshotEntry>> find_in_manifest(std::string_view text, std::string_view path);

// Where a blob lies below a blob store's folder: "ab/cdef…". Shared by the store and by readers on the same machine.
std::filesystem::path blob_path(const std::filesystem::path& folder, const Hash& hash);

}  // namespace werkbank
