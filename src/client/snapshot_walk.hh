// The walk of a scan: which files of a folder belong to its snapshot, without reading them. Several threads share a large folder.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/files.hh"
#include "client/ignore_rules.hh"
#include "client/snapshot_cache.hh"

namespace werkbank::client {

struct FoundFile {
  std::string path;  // relative, raw bytes
  FileStamp stamp;
  bool executable = false;
  const KnownFile* known = nullptr;      // what the cache says of this path
  const KnownFile* unchanged = nullptr;  // whose content it surely has; for who made the scan to fill
};

struct LeftOut {
  std::string path;  // a '/' at the end: a folder
  std::string why;   // "cannot be read (Permission denied)"; what has the same reason is told in one line
};

struct WalkOptions {
  const SnapshotCache* cache = nullptr;
  // The cache was made under the same rules: a file that it knows is not ignored.
  bool has_same_rules = false;
  unsigned threads = 1;
};

class FolderWalk {
 public:
  // `root` is absolute, without links. The cache outlives what is found.
  FolderWalk(std::string root, const IgnoreRules& rules, WalkOptions options);
  ~FolderWalk();

  Status run();  // snapshot_refused, io_failed
  // Sorted by path, as everything here; they live as long as this.
  const std::vector<FoundFile*>& files() const { return files_; }
  const std::vector<LeftOut>& left_out() const { return left_out_; }

 private:
  struct Folder;
  struct Part;
  struct Task {
    Folder* folder;
    Part* part;  // null: the folder is yet to be listed
  };

  void share(Task task);
  void start_helpers();  // called with the lock held
  void work();
  void carry_out(const Task& task);
  void visit_folder(Folder& folder);
  void visit_part(Folder& folder, Part& part);
  Status list(Folder& folder) const;
  Status visit_entry(Folder& folder, Part& part, size_t index);
  Status visit_link(Folder& folder, Part& part, size_t index);
  Status enter(Folder& folder, Part& part, size_t index, bool is_link);
  Status add_file(Part& part, std::string path, const struct statx& facts, const KnownFile* known);
  void refuse(Part& part, Error error);
  Status gather(Folder& folder);  // after the walk, into what follows the helpers

  const std::string root_;
  const IgnoreRules& rules_;
  const WalkOptions options_;
  std::unique_ptr<Folder> top_;
  std::atomic<size_t> seen_{0}, file_count_{0};
  std::atomic<bool> is_refused_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<Task> queue_;
  size_t unfinished_ = 0;  // tasks queued or under way
  bool has_started_helpers_ = false;
  std::vector<std::thread> helpers_;

  std::vector<FoundFile*> files_;
  std::vector<LeftOut> left_out_;
};

}  // namespace werkbank::client
