// Buries child processes as they end, so that none stays behind as a zombie. It tells nobody: what they did is in their files.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <thread>
#include <vector>

#include "base/files.hh"

namespace werkbank::compute {

class ChildReaper {
 public:
  ChildReaper();
  ~ChildReaper();  // children that still run are left to run
  ChildReaper(const ChildReaper&) = delete;
  ChildReaper& operator=(const ChildReaper&) = delete;

  void add(pid_t child);

 private:
  struct Child {
    pid_t pid = 0;
    Fd handle;  // pidfd
  };
  void work();

  Fd bell_;
  std::mutex mutex_;
  std::vector<Child> arrived_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace werkbank::compute
