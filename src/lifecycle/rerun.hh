// A run again: the same snapshot, arguments, environment and target, as a new run of the same experiment, and all that is not the
// same told.
#pragma once

#include "lifecycle/submit.hh"

namespace werkbank::lifecycle {

struct RerunRequest {
  RunKey original;
  bool exact = false;  // refuse instead of telling
  std::string user;
  std::string parent_id;  // empty: the original's; a job submits below itself only
  std::string idempotency_key;
  std::string request_hash;
};

struct Difference {
  std::string what;  // "environment", "python", "interpreter", "user"
  std::string then, now;
  bool matters = true;  // to whether the run can be the same: who submits it does not
};
json::object to_json(const Difference& difference);

struct Rerun {
  Submitted submitted;
  std::vector<Difference> differences;
};

// run_not_found; not_supported for a run that a client tracked (nothing was submitted); rerun_differs with `exact` where a
// difference matters; otherwise what submit() refuses (the snapshot or the target is gone). Nothing is built here: an environment
// that is no longer there is a difference.
Task<Result<Rerun>> rerun(Services& services, RerunRequest request);

// What a later rerun compares with, kept with the run when it is launched.
void note_environment(Run& run, const ReadyEnvironment& environment);

}  // namespace werkbank::lifecycle
