// Client-tracked runs (start_logging, child_run, MLflow): their client says what becomes of them.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct TrackedRun {
  std::string workspace, experiment, run_id, display_name, parent_id, run_type, snapshot_id, user;
  TextMap tags, properties;
  GitFacts git;
  RunStatus status = RunStatus::kNotStarted;  // or Running
};

Result<TrackedRun> tracked_run_from_json(const json::value& value, std::string workspace);
// run_not_found for an unknown parent; already_exists; name_refused.
Task<Result<Run>> create_tracked_run(Services& services, TrackedRun tracked);
// Several children at once, in one transaction; for create_children.
Task<Result<std::vector<Run>>> create_children(Services& services, RunKey parent, std::vector<TextMap> tags_of_each,
                                               std::string user);
// run_state_conflict for managed runs and illegal moves. `error` is the client's own document, kept as it is.
Task<Result<Run>> set_tracked_status(Services& services, RunKey key, RunStatus status, json::object error, std::string who);

}  // namespace werkbank::lifecycle
