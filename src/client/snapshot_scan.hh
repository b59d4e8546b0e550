// Looks through a project folder for what a submit takes along: which files, their hashes, and what a user should know about it.
//
// Ignored is what .amlignore in the folder says, or .gitignore where there is no .amlignore (client/ignore_rules.hh); never both,
// and no nested files. Always left out: .git, __pycache__, and virtual environments (a folder with pyvenv.cfg or conda-meta/),
// because no target could use them. Symbolic links are followed; one that leaves the folder or leads back to a folder around it
// is snapshot_refused by name. Sockets, pipes, devices, dangling links and what cannot be read are left out with a note.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hh"
#include "domain/snapshot.hh"

namespace werkbank::client {

struct ScanOptions {
  // Where the hashes of unchanged files are remembered between scans; empty: nowhere.
  std::filesystem::path cache_folder;
  unsigned hash_threads = 2;
};

struct SnapshotScan {
  SnapshotManifest manifest;
  std::vector<std::string> notes;  // lines for the user: what was left out, and folders that look like data
  uint64_t hashed_files = 0;       // read in this scan; the others were known from the cache
  uint64_t hashed_bytes = 0;
  std::vector<Hash> hashed;  // what was read, as far as it was only a few files: kHashedListed; empty where it was more
};
inline constexpr size_t kHashedListed = 16;

// snapshot_refused where the folder cannot be taken as it is; io_failed where it cannot be read.
Result<SnapshotScan> scan_folder(const std::filesystem::path& folder, const ScanOptions& options);

// WERKBANK_HOME/cache, or $XDG_CACHE_HOME/werkbank, or ~/.cache/werkbank; empty where the environment names none of them.
std::filesystem::path default_cache_folder(const std::map<std::string, std::string>& environment);

}  // namespace werkbank::client
