// Takes a snapshot of a folder: scans it, tells the server its manifest, and uploads the files that the server does not have.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/snapshot_scan.hh"
#include "net/http_client.hh"

namespace werkbank::client {

struct SnapshotProgress {
  uint64_t files_done = 0, files_total = 0;  // of those that travel
  uint64_t bytes_done = 0, bytes_total = 0;
  double bytes_per_second = 0;  // since the first byte
};

struct SnapshotOptions {
  // Called during the upload after every request and at most every 100 ms within a large file, and once at its end.
  std::function<void(const SnapshotProgress&)> progress;
  // Where file hashes are remembered; empty: default_cache_folder() of this process's environment.
  std::filesystem::path cache_folder;
};

struct SnapshotResult {
  std::string snapshot_id;
  uint64_t files = 0, bytes = 0;                    // of the whole snapshot
  uint64_t uploaded_files = 0, uploaded_bytes = 0;  // what travelled now
  std::vector<std::string> notes;                   // SnapshotScan::notes, to print one a line
};

// After an interruption the next call uploads only what is still missing. A folder that changes meanwhile is scanned again, three
// times at most (snapshot_refused).
Result<SnapshotResult> take_snapshot(net::HttpClient& client, std::string workspace, std::filesystem::path folder,
                                     SnapshotOptions options);

// The same for a file or a folder as it is, whatever .amlignore says, with its own name as the one entry at the top:
// "net/weights". not_found for a path that is not there, snapshot_refused for a folder without files.
Result<SnapshotResult> take_path(net::HttpClient& client, std::string workspace, std::filesystem::path path,
                                 SnapshotOptions options);

}  // namespace werkbank::client
