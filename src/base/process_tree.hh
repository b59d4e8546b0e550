// Trees of processes as /proc shows them: who descends from whom, and who carries a mark in its environment. For ending all of
// them, also those that have left their process group, their session or their parent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hh"

namespace werkbank {

// A descriptor that is readable once the process has ended (pidfd); empty where the process or the kernel's support is not there.
Fd process_handle(pid_t pid);

// Which processes to end, and which of those to spare.
struct ProcessSelection {
  pid_t ancestor = 0;           // its descendants, without itself; 0: nobody's
  std::string variable, value;  // with "variable=value" in the environment they were started with; empty: nobody
  std::set<pid_t> spared;       // the calling process always is
};

// Alive at the moment of the look (zombies are not), in no order.
std::vector<ProcessId> find_processes(const ProcessSelection& selection);

// SIGTERM to all, after `grace` SIGKILL, looking again until nobody is left: also what is born meanwhile. `is_over` is asked
// between two looks and ends it early with true. Fails with `unavailable` where processes stay although they were killed for
// `patience` (uninterruptible in the kernel): their numbers are in the message.
struct EndOptions {
  std::chrono::milliseconds grace{5000};  // 0: SIGKILL at once
  std::chrono::milliseconds patience{10'000};
};
Status end_processes(const ProcessSelection& selection, const EndOptions& options, const std::function<bool()>& is_over = {});

}  // namespace werkbank
