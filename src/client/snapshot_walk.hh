// The walk of a scan: which files of a folder belong to its snapshot, without reading them.
#pragma once

#include <string>
#include <vector>

#include "base/files.hh"
#include "client/ignore_rules.hh"
#include "client/snapshot_cache.hh"

namespace werkbank::client {

struct FoundFile {
  std::string path;  // relative, raw bytes
  FileStamp stamp;
  bool executable = false;
};

struct LeftOut {
  std::string path;  // a '/' at the end: a folder
  std::string why;   // "cannot be read (Permission denied)"; what has the same reason is told in one line
};

class FolderWalk {
 public:
  // `root` is absolute, without links.
  FolderWalk(std::string root, const IgnoreRules& rules) : root_(std::move(root)), rules_(rules) {}

  Status run();  // snapshot_refused, io_failed
  // Sorted by path.
  std::vector<FoundFile> take_files() { return std::move(files_); }
  const std::vector<LeftOut>& left_out() const { return left_out_; }

 private:
  struct Name {
    std::string text;
    unsigned char type;  // DT_…
  };
  struct Place {
    uint64_t device, inode;
    std::string path;
  };
  Status visit_folder(Fd fd, const std::string& path);
  Status visit_entry(int folder, const Name& name, const std::string& path);
  Status visit_link(int folder, const Name& name, const std::string& path);
  Status enter(int folder, const Name& name, const std::string& path, bool is_link);
  Status add_file(const std::string& path, const struct stat& facts);
  Result<std::vector<Name>> list(Fd fd, const std::string& path) const;
  bool is_virtual_environment(int folder, const std::vector<Name>& names) const;
  void leave_out(std::string path, std::string why) { left_out_.push_back({std::move(path), std::move(why)}); }

  const std::string root_;
  const IgnoreRules& rules_;
  std::vector<Place> around_;  // the folders that the walk is in
  std::vector<FoundFile> files_;
  std::vector<LeftOut> left_out_;
};

}  // namespace werkbank::client
