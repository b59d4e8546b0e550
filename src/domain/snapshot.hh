// A snapshot's manifest: the content-addressed list of a folder's files. Format: docs/reference/snapshot-format.md (version 1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank {

struct SnapshotEntry {
  std::string path;        // relative, '/', raw bytes of the name (need not be UTF-8: then percent-encoded in JSON)
  Hash hash;
  uint64_t size_bytes = 0;
  bool executable = false;
};

// Entries sorted by path, paths unique, no path a prefix folder of another file. The id is the hash of the canonical text.
struct SnapshotManifest {
  std::vector<SnapshotEntry> entries;

  // One entry a line: "<hash> <size> <x|-> <escaped path>\n", after the line "werkbank-snapshot 1\n". Compact and easy to stream.
  std::string to_text() const;
  static Result<SnapshotManifest> parse(std::string_view text);  // refuses what is not canonical
  Hash id() const;
  uint64_t total_bytes() const;
};

}  // namespace werkbank
