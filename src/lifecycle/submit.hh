// Step 1: a submission is checked whole, then recorded with its first event in one transaction (NotStarted, or Queued where the
// environment needs no build).
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct Submission {
  std::string workspace;
  std::string experiment;
  std::string run_id;  // empty: <experiment>_<unix seconds>_<8 hex digits>
  std::string display_name, description, parent_id, run_type;
  TextMap tags, properties;
  GitFacts git;
  RunSpec spec;
  json::object pool;  // with the target amlcompute: the pool that is made for the run (run_pool.hh)
  // The environment as it is kept with the workspace, where the client has changed it for this run; otherwise the spec's.
  std::optional<EnvironmentDefinition> environment;
  bool registers_environment = true;
  std::string user;
  std::string idempotency_key;  // empty: none
  std::string request_hash;     // of the request body, for the key
};

Result<Submission> submission_from_json(const json::value& value, std::string workspace);

struct Submitted {
  Run run;
  bool repeated = false;  // the idempotency key had been used for the same request: this is that run
};

// The environment is registered with the workspace, and spec.environment.version says as which version.
// Refusals change nothing: name_refused, workspace_not_found, run_not_found (parent), snapshot_not_found, script_not_found,
// target_unknown, requirement_invalid, interpreter_not_found, already_exists (run id), idempotency_conflict, not_supported.
Task<Result<Submitted>> submit(Services& services, Submission submission);

// Answers the active experiment of this name, created in this transaction where there is none: an archived or deleted one of the
// name stays as it is.
Result<Experiment> ensure_experiment(store::Transaction& transaction, const Clock& clock, const std::string& workspace,
                                     const std::string& name);
// A number of v1's form for a run that brought none.
std::string make_run_id(const std::string& experiment, UtcMs now);
// snapshot_not_found where the workspace does not have the snapshot; an empty id passes.
Status check_snapshot_of(store::Reader& reader, const std::string& workspace, const std::string& snapshot_id);
struct NewRun {
  Run run;
  std::string experiment;         // created where it is new
  std::string parent_id;          // empty: the run is its own root
  const RunSpec* spec = nullptr;  // null: its client drives it
  GitFacts git;
};
// Records a run with its first event. workspace_not_found, run_not_found (parent), already_exists.
Result<Run> record_run(store::Transaction& transaction, const Clock& clock, NewRun made);
// What a client found out about the folder's repository; null: nothing. A login in its address is left out.
Result<GitFacts> git_facts_from_json(const json::value* value);
// azureml.git.* and mlflow.source.git.* as v1 users find them in the properties.
void add_git_properties(TextMap& properties, const GitFacts& git);

}  // namespace werkbank::lifecycle
