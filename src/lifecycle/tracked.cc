#include "lifecycle/tracked.hh"

#include <fmt/format.h>

#include "domain/names.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/submit.hh"

namespace werkbank::lifecycle {
namespace {

Run make_run(const Services& services, const TrackedRun& tracked) {
  Run run;
  const UtcMs now = services.clock.utc_now_ms();
  run.key = {tracked.workspace, tracked.run_id.empty() ? random_uuid() : tracked.run_id};
  run.display_name = tracked.display_name.empty() ? "run_" + run.key.run_id : tracked.display_name;
  run.run_type = tracked.run_type;
  run.control = RunControl::kClientTracked;
  run.status = tracked.status;
  run.created_by = tracked.user;
  run.created_ms = now;
  if (tracked.status == RunStatus::kRunning) run.started_ms = now;
  run.tags = tracked.tags;
  run.properties = tracked.properties;
  if (!tracked.snapshot_id.empty()) run.properties["ContentSnapshotId"] = tracked.snapshot_id;
  add_git_properties(run.properties, tracked.git);
  return run;
}

Result<Run> record(store::Transaction& transaction, const Services& services, const TrackedRun& tracked) {
  CHECK_OK(check_snapshot_of(transaction, tracked.workspace, tracked.snapshot_id));
  NewRun made{make_run(services, tracked), tracked.experiment, tracked.parent_id, nullptr, tracked.git};
  return record_run(transaction, services.clock, std::move(made));
}

}  // namespace

Result<TrackedRun> tracked_run_from_json(const json::value& value, std::string workspace) {
  JsonReader reader(value, "request");
  TrackedRun tracked;
  tracked.workspace = std::move(workspace);
  tracked.experiment = reader.required_string("experiment");
  tracked.run_id = reader.string_or("runId");
  tracked.display_name = reader.string_or("displayName");
  tracked.parent_id = reader.string_or("parentRunId");
  tracked.run_type = reader.string_or("runType");
  tracked.snapshot_id = reader.string_or("snapshotId");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) tracked.tags[key] = text;
  for (auto& [key, text] : reader.string_map_or_empty("properties")) tracked.properties[key] = text;
  const std::string status = reader.string_or("status", "NotStarted");
  const json::value* const git = reader.value("git");
  if (status != "NotStarted" && status != "Running") reader.refuse("status", "is NotStarted or Running");
  CHECK_OK(reader.finish());
  tracked.status = status == "Running" ? RunStatus::kRunning : RunStatus::kNotStarted;
  TRY(tracked.git, git_facts_from_json(git));
  return tracked;
}

Task<Result<Run>> create_tracked_run(Services& services, TrackedRun tracked) {
  CO_CHECK_OK(check_experiment_name(tracked.experiment));
  if (!tracked.run_id.empty()) CO_CHECK_OK(check_stored_name("the run id", tracked.run_id));
  std::function<Result<Run>(store::Transaction&)> apply = [&services, tracked](store::Transaction& transaction) -> Result<Run> {
    return record(transaction, services, tracked);
  };
  co_return co_await store::write<Run>(services.store, std::move(apply));
}

Task<Result<std::vector<Run>>> create_children(Services& services, RunKey parent, std::vector<TextMap> tags_of_each,
                                               std::string user) {
  std::function<Result<std::vector<Run>>(store::Transaction&)> apply =
      [&services, parent, tags_of_each, user](store::Transaction& transaction) -> Result<std::vector<Run>> {
    TRY(const auto known, transaction.run(parent));
    if (!known) return fail(errors::run_not_found, fmt::format("there is no run {:?}", parent.run_id));
    std::vector<Run> children;
    for (const TextMap& tags : tags_of_each) {
      TrackedRun child;
      child.workspace = parent.workspace;
      child.experiment = known->experiment;
      child.parent_id = parent.run_id;
      child.tags = tags;
      child.user = user;
      TRY(Run run, record(transaction, services, child));
      children.push_back(std::move(run));
    }
    return children;
  };
  co_return co_await store::write<std::vector<Run>>(services.store, std::move(apply));
}

Task<Result<Run>> set_tracked_status(Services& services, RunKey key, RunStatus status, json::object error, std::string who) {
  std::function<Result<Run>(store::Transaction&)> apply = [&services, key, status, error,
                                                           who](store::Transaction& transaction) -> Result<Run> {
    TRY(auto run, transaction.run(key));
    if (!run)
      return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
    if (run->control == RunControl::kManaged) {
      return fail(errors::run_state_conflict,
                  fmt::format("run {:?} is driven by Werkbank: its status follows from its script", key.run_id),
                  "Cancel it with `werkbank run cancel`, or let it end.");
    }
    if (run->status == status) return std::move(*run);
    if (status == RunStatus::kFailed || status == RunStatus::kCanceled) {
      run->end = RunEnd{};
      run->end.kind = status == RunStatus::kFailed ? RunEndKind::kClient : RunEndKind::kCanceled;
      run->end.who = status == RunStatus::kCanceled ? who : "";
      if (const auto* message = error.if_contains("message"); message != nullptr && message->is_string()) {
        run->end.message = std::string(message->get_string());
      }
      if (const auto* code = error.if_contains("code"); code != nullptr && code->is_string())
        run->end.code = std::string(code->get_string());
      run->end.details = error;
      describe_end(run->end);
    }
    CHECK_OK(move_run(transaction, services.clock, *run, status));
    return std::move(*run);
  };
  co_return co_await store::write<Run>(services.store, std::move(apply));
}

}  // namespace werkbank::lifecycle
