// How one snapshot's manifest differs from another's: of a large folder with a few changed files only these travel.
// Format: docs/reference/snapshot-format.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/snapshot.hh"

namespace werkbank {

struct SnapshotChanges {
  std::vector<SnapshotEntry> put;    // new files, and what takes the place of others; sorted by path, each path once
  std::vector<std::string> removed;  // sorted; none of them is in `put`

  // "+ " and an entry's line, or "- " and an escaped path, sorted by path, after the line "werkbank-changes 1".
  std::string to_text() const;
  static Result<SnapshotChanges> parse(std::string_view text);  // refuses what is not canonical (snapshot_refused)
};

struct ChangedManifest {
  std::string text;
  uint64_t bytes_put = 0, bytes_gone = 0;  // by these the total size has grown and shrunk
};
// `base` must be canonical (it came from to_text, or parse has taken it before); so is the answer. snapshot_refused where a
// removed path is not in it, or where a path would be both a file and a folder.
Result<ChangedManifest> apply_changes(std::string_view base, const SnapshotChanges& changes);

}  // namespace werkbank
