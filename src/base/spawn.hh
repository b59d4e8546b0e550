// The inside of spawn_process and run_process: posix_spawn with descriptors in the place of files. For process_run.cc and
// spawn.cc.
#pragma once

#include "base/process.hh"

namespace werkbank::detail {

struct SpawnDescriptors {
  int out = -1;            // takes the place of stdout_path
  int err = -1;            // takes the place of stderr_path
  bool new_group = false;  // a process group of its own, so that a helper's own children can be ended with it
};
Result<pid_t> spawn_with(const SpawnPlan& plan, const SpawnDescriptors& descriptors);

// A pidfd: readable once the process has ended. Empty, with errno, where there is none.
Fd process_handle(pid_t pid);

}  // namespace werkbank::detail
