// Run-based creation: a run that is submitted to the target `amlcompute` brings the pool it wants along. The pool is made for it,
// and deleted after it unless it is to be retained.
#pragma once

#include "lifecycle/services.hh"
#include "lifecycle/submit.hh"

namespace werkbank::lifecycle {

inline constexpr std::string_view kRunPoolTarget = "amlcompute";

struct RunPool {
  std::string target;   // its name
  bool is_new = false;  // made just now
};
// What submission.pool says: vmSize, vmPriority, maxNodes, name, retain. Refuses what the kind refuses.
Task<Result<RunPool>> make_run_pool(Services& services, Submission submission);
// Deletes the target if it was made for runs and none is left that has not ended.
Task<void> delete_after_runs(Services& services, std::string workspace, std::string name);

}  // namespace werkbank::lifecycle
