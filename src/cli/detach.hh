// Ctrl-C while a run is followed: the command ends, the run goes on.
#pragma once

#include <string>
#include <thread>

#include "base/files.hh"
#include "cli/terminal.hh"

namespace werkbank::cli {

// While it lives, SIGINT prints `farewell` on stderr and ends the process with 130. A process that was started with SIGINT
// ignored (nohup, a shell's background job) keeps ignoring it. At most one at a time.
class DetachOnInterrupt {
 public:
  DetachOnInterrupt(Terminal& terminal, std::string farewell);
  ~DetachOnInterrupt();
  DetachOnInterrupt(const DetachOnInterrupt&) = delete;
  DetachOnInterrupt& operator=(const DetachOnInterrupt&) = delete;

 private:
  Fd read_end_;
  Fd write_end_;
  bool installed_ = false;
  std::thread watcher_;
};

}  // namespace werkbank::cli
