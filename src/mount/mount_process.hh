// A mount is served by a process of its own: when the one that asked for it dies, a script goes on reading, and whoever takes the
// run over finds the mount by its state file. A mount process that is killed leaves ENOTCONN, never a read that waits.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hh"
#include "base/process.hh"
#include "data/data_store.hh"
#include "mount/file_tree.hh"

namespace werkbank::mount {

struct MountSource {
  std::string identity;                // data::storage_identity(): what is cached is shared under it
  std::filesystem::path local_folder;  // a folder of this machine: its files are read where they are, nothing is cached
  json::value description;             // for the process's SourceOpener; may hold credentials
};
// Opens what a source's description says; called from several threads, each has its own store.
using SourceOpener = std::function<Result<std::unique_ptr<data::DataStore>>(const json::value& description)>;

struct MountRequest {
  std::filesystem::path folder;  // empty or not there yet: then it is made, and removed at the end
  std::vector<MountedFile> files;
  std::vector<MountSource> sources;
  std::filesystem::path cache_folder;  // WERKBANK_HOME/cache/data; empty: no disk cache
  std::filesystem::path state_file;    // who serves it; the mount ends when this file is removed. Empty: none
  std::filesystem::path log_file;      // its lines are appended: faults of the storage, a full cache disk
  bool allow_other = false;
  std::chrono::milliseconds patience{120'000};  // of one read: then EIO
};

// The program that serves: "…/werkbank-runner", "mount". The path of a file with the request follows, which it reads and removes.
using MountProgram = std::vector<std::string>;

class Mount {
 public:
  Mount(ProcessId process, std::filesystem::path folder, std::filesystem::path state_file, bool is_child);
  bool is_alive() const;
  const std::filesystem::path& folder() const { return folder_; }
  const ProcessId& process() const { return process_; }
  // Unmounted, the process over, the state file gone. Nothing of it happens by itself: a Mount that is forgotten stays.
  Status end();

 private:
  const ProcessId process_;
  const std::filesystem::path folder_, state_file_;
  const bool is_child_;
};

// Mounted when it answers. mount_unavailable where this machine does not allow it: then the files can be downloaded. Also
// already_exists (the folder is not empty), path_refused, io_failed. The request needs a state file.
Result<std::unique_ptr<Mount>> mount_files(const MountRequest& request, const MountProgram& program);
// The one of a state file that somebody else began; not_found where there is none. It may have died: is_alive().
Result<std::unique_ptr<Mount>> adopt_mount(const std::filesystem::path& state_file);

// In this process, which ends (exit code 0) when the folder is unmounted, the state file is removed, or SIGINT, SIGTERM or SIGHUP
// comes. Answers only where it cannot be mounted. Call it before there are threads.
Status serve_mount(const MountRequest& request, const SourceOpener& open, const std::function<void(const std::string& line)>& log,
                   const std::function<Status()>& on_mounted);
// The main program of a mount process: the exit code.
int run_mount_process(const std::filesystem::path& request_file, const SourceOpener& open);

json::value to_json(const MountRequest& request);
Result<MountRequest> mount_request_from_json(const json::value& document);

}  // namespace werkbank::mount
