// Looks through a project folder for what a submit takes along: which files, their hashes, and what a user should know about it.
//
// Ignored is what .amlignore in the folder says, or .gitignore where there is no .amlignore (client/ignore_rules.hh); never both,
// and no nested files. Always left out: .git, __pycache__, and virtual environments (a folder with pyvenv.cfg or conda-meta/),
// because no target could use them. Symbolic links are followed; one that leaves the folder or leads back to a folder around it
// is snapshot_refused by name. Sockets, pipes, devices, dangling links and what cannot be read are left out with a note.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "client/snapshot_cache.hh"
#include "domain/snapshot.hh"

namespace werkbank::client {

struct ScanOptions {
  // Where the hashes of unchanged files are remembered between scans; empty: nowhere.
  std::filesystem::path cache_folder;
  unsigned threads = 0;  // that look through folders and read files; 0: as many as there are processors, up to 4
};

struct ManifestText {
  std::string text;
  Hash id;
};

// How a scan's manifest differs from one of before.
struct ManifestChanges {
  Hash base;                         // the id of that one
  std::vector<size_t> put;           // entries that are new or different: their places in the manifest
  std::vector<std::string> removed;  // paths, sorted
};

struct SnapshotScan {
  SnapshotManifest manifest;
  std::vector<std::string> notes;  // lines for the user: what was left out, and folders that look like data
  uint64_t hashed_files = 0;       // read in this scan; the others were known from the cache
  uint64_t hashed_bytes = 0;
  std::optional<ManifestChanges> changes;  // against the scan that is remembered, if there is one
  std::optional<ManifestText> written;     // where the scan had to write it; see manifest_text()

  // For remember().
  std::filesystem::path cache_file;  // empty: nothing is remembered
  Hash rules;
  std::vector<FileStamp> stamps;  // of the entries; without an inode: the file was too young to be told from a later change
};

// snapshot_refused where the folder cannot be taken as it is; io_failed where it cannot be read.
Result<SnapshotScan> scan_folder(const std::filesystem::path& folder, const ScanOptions& options);

ManifestText manifest_text(const SnapshotManifest& manifest);

// Makes the scan the one that the next is compared with. scan_folder() does so itself where that saves the next scan much; call
// it when a server took `id` and did not know the base of the changes. A cache that cannot be written costs time, nothing else.
void remember(const SnapshotScan& scan, const Hash& id);

// WERKBANK_HOME/cache, or $XDG_CACHE_HOME/werkbank, or ~/.cache/werkbank; empty where the environment names none of them.
std::filesystem::path default_cache_folder(const std::map<std::string, std::string>& environment);

}  // namespace werkbank::client
