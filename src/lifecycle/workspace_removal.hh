// A workspace with everything in it: how much that is, and its end.
#pragma once

#include "lifecycle/holdings.hh"
#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct WorkspaceContents {
  int64_t experiments = 0, runs = 0, active_runs = 0, environments = 0, models = 0, secrets = 0, blobs = 0, metric_points = 0;
  uint64_t blob_bytes = 0;  // of the blobs that no other workspace has
  uint64_t log_bytes = 0;
  int64_t data_files = 0;  // in the workspace's own datastores
  uint64_t data_bytes = 0;
};

// What remove_workspace() would delete. workspace_not_found. Blocks for long in a large workspace.
Result<WorkspaceContents> workspace_contents(Services& services, const std::string& name);

// Removes it with its runs, their logs, metrics and files, the snapshots that only it has, its models, secrets, environments,
// members and tokens. run_state_conflict, naming the runs, while some are under way: then nothing is changed. Otherwise nothing
// comes into it from the first moment on (refuse_being_removed()). After a crash or a failure in between it is still there,
// closed, and can only be removed again. workspace_not_found.
Task<Status> remove_workspace(Services& services, Holdings& holdings, std::string name);

// workspace_not_found where its removal has begun. For all who bring something into a workspace, in their transaction.
Status refuse_being_removed(store::Reader& reader, const std::string& name);

}  // namespace werkbank::lifecycle
