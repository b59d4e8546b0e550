// Which files below some folders have changed, told by the kernel (inotify): waiting costs nothing. The folders may come into
// being later. Where the kernel cannot watch (its limit of watches, a file system without events) it says so, and the caller
// looks by itself.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/files.hh"

namespace werkbank::runner {

class TreeWatch {
 public:
  // `folder` exists; `roots` are relative to it and watched with all below them. An empty root is the folder itself, without what
  // is below.
  TreeWatch(std::filesystem::path folder, std::vector<std::string> roots);

  int fd() const { return inotify_.get(); }
  bool is_blind() const { return blind_; }

  struct Changes {
    std::set<std::string> files;   // relative to the folder
    bool look_everywhere = false;  // folders came, or events were lost: list the roots
  };
  // What has happened since the last call; does not wait.
  Changes take();

 private:
  void watch_all();
  void watch_chain(const std::string& root);
  void watch_below(const std::filesystem::path& path, const std::string& relative);
  bool add(const std::filesystem::path& path, const std::string& relative, bool is_inside);

  std::filesystem::path folder_;
  std::vector<std::string> roots_;
  Fd inotify_;
  bool blind_ = false;
  struct Watched {
    std::string relative;
    bool is_inside = false;  // of a root; otherwise only on the way to one
  };
  std::map<int, Watched> watched_;
};

struct FoundFile {
  std::string relative;  // to the folder that the roots are relative to
  struct stat status{};
};
// The regular files below folder/root in the order of their names. The root and files may be links; folders below it that are
// links are left out, since they lead out of the run ("logs/data" to a disk full of it) or in a circle. Nothing where the root is
// not there.
std::vector<FoundFile> list_files(const std::filesystem::path& folder, const std::string& root);

}  // namespace werkbank::runner
