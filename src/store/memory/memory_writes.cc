#include <fmt/format.h>

#include <algorithm>

#include "store/memory/memory_transaction.hh"

namespace werkbank::store::memory {
namespace {

Status found_one(bool found, std::string_view what) {
  if (!found) return fail(errors::not_found, fmt::format("there is no {}", what));
  return {};
}

}  // namespace

Result<StoredRun> MemoryTransaction::existing_run(const RunKey& key) const {
  const StoredRun* const found = tables_.runs.find(key);
  if (found == nullptr)
    return fail(errors::run_not_found, fmt::format("no run {:?} in workspace {:?}", key.run_id, key.workspace));
  return *found;
}

Status MemoryTransaction::put_workspace(const Workspace& workspace) {
  tables_.workspaces.put(undo_, workspace.name, workspace);
  return {};
}

Status MemoryTransaction::delete_workspace(const std::string& name) {
  if (!tables_.workspaces.erase(undo_, name)) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", name));
  const auto of_workspace = [&](const Names& key, const auto&) { return key.first == name; };
  std::vector<RunKey> runs;
  for (const auto& [key, run] : tables_.runs.rows()) {
    if (key.workspace == name) runs.push_back(key);
  }
  for (const RunKey& key : runs) erase_run(key);
  tables_.experiments.erase_where(undo_, [&](int64_t, const Experiment& experiment) { return experiment.workspace == name; });
  tables_.idempotency.erase_where(undo_, of_workspace);
  tables_.environments.erase_where(undo_, [&](const auto& key, const auto&) { return key.first.first == name; });
  tables_.environment_labels.erase_where(undo_, [&](const auto& key, int64_t) { return key.first.first == name; });
  tables_.tokens.erase_where(undo_, [&](const auto&, const TokenRecord& token) { return token.workspace == name; });
  tables_.members.erase_where(undo_, of_workspace);
  tables_.secrets.erase_where(undo_, of_workspace);
  tables_.targets.erase_where(undo_, of_workspace);
  tables_.datastores.erase_where(undo_, of_workspace);
  tables_.default_datastores.erase(undo_, name);
  tables_.events.erase_where(undo_, [&](int64_t, const RunEvent& event) { return event.workspace == name; });
  tables_.held_blobs.erase_where(undo_, [&](const auto& key, bool) { return key.second == name; });
  tables_.snapshots.erase_where(undo_, [&](const auto& key, UtcMs) { return key.first == name; });
  models_.remove_workspace(name);
  datasets_.remove_workspace(name);
  return {};
}

Status MemoryTransaction::refuse_other_active(const Experiment& wanted) {
  if (wanted.stage != LifecycleStage::kActive) return {};
  TRY(const std::optional<Experiment> other, experiment(wanted.workspace, wanted.name));
  if (!other || other->id == wanted.id || other->stage != LifecycleStage::kActive) return {};
  return fail(errors::already_exists, fmt::format("experiment {:?} is there already", wanted.name));
}

Result<Experiment> MemoryTransaction::create_experiment(Experiment created) {
  if (tables_.workspaces.find(created.workspace) == nullptr) {
    return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", created.workspace));
  }
  CHECK_OK(refuse_other_active(created));
  undo_.push_back([this_tables = &tables_, before = tables_.last_experiment] { this_tables->last_experiment = before; });
  created.id = ++tables_.last_experiment;
  tables_.experiments.put(undo_, created.id, created);
  return created;
}

Status MemoryTransaction::update_experiment(const Experiment& updated) {
  CHECK_OK(refuse_other_active(updated));
  const Experiment* const before = tables_.experiments.find(updated.id);
  if (before == nullptr || before->workspace != updated.workspace) {
    return fail(errors::experiment_not_found,
                fmt::format("no experiment with id {} in workspace {:?}", updated.id, updated.workspace));
  }
  Experiment after = updated;
  after.created_ms = before->created_ms;
  tables_.experiments.put(undo_, updated.id, std::move(after));
  return {};
}

Result<Run> MemoryTransaction::create_run(Run run, const RunSpec* spec, const GitFacts* git) {
  if (tables_.runs.find(run.key) != nullptr) {
    return fail(errors::already_exists,
                fmt::format("run {:?} is there already in workspace {:?}", run.key.run_id, run.key.workspace));
  }
  const Experiment* const owner = tables_.experiments.find(run.experiment_id);
  if (owner == nullptr || owner->workspace != run.key.workspace) {
    return fail(errors::experiment_not_found,
                fmt::format("no experiment with id {} in workspace {:?}", run.experiment_id, run.key.workspace));
  }
  const int64_t* const created = tables_.runs_created.find(run.experiment_id);
  run.number = (created == nullptr ? 0 : *created) + 1;
  run.experiment = owner->name;
  run.revision = 1;
  tables_.runs_created.put(undo_, run.experiment_id, run.number);
  StoredRun stored{run, ++tables_.last_serial, std::nullopt, std::nullopt};
  if (spec != nullptr) stored.spec = *spec;
  if (git != nullptr) stored.git = *git;
  tables_.runs.put(undo_, run.key, std::move(stored));
  return run;
}

Status MemoryTransaction::update_run(Run& run) {
  TRY(StoredRun stored, existing_run(run.key));
  run.number = stored.run.number;
  run.created_ms = stored.run.created_ms;
  run.revision = stored.run.revision + 1;
  const int64_t experiment_id = stored.run.experiment_id;
  stored.run = run;
  stored.run.experiment_id = experiment_id;
  tables_.runs.put(undo_, run.key, std::move(stored));
  return {};
}

void MemoryTransaction::erase_run(const RunKey& key) {
  tables_.runs.erase(undo_, key);
  const auto of_run = [&](const auto& row_key, const auto&) { return row_key.first == key; };
  tables_.attempts.erase_where(undo_, of_run);
  datasets_.remove_run(key);
  tables_.artifacts.erase_where(undo_, of_run);
}

Status MemoryTransaction::purge_run(const RunKey& key) {
  CHECK_OK(existing_run(key));
  erase_run(key);
  return {};
}

Status MemoryTransaction::put_attempt(const Attempt& attempt) {
  CHECK_OK(existing_run(attempt.run));
  tables_.attempts.put(undo_, {attempt.run, attempt.number}, attempt);
  return {};
}

Status MemoryTransaction::put_artifact(const Artifact& artifact) {
  CHECK_OK(existing_run(artifact.run));
  tables_.artifacts.put(undo_, {artifact.run, artifact.path}, artifact);
  return {};
}

Status MemoryTransaction::delete_artifact(const RunKey& key, const std::string& path) {
  CHECK_OK(existing_run(key));
  return found_one(tables_.artifacts.erase(undo_, {key, path}), fmt::format("file {:?} in run {:?}", path, key.run_id));
}

Result<int64_t> MemoryTransaction::append_event(RunEvent event) {
  undo_.push_back([this_tables = &tables_, before = tables_.last_event] { this_tables->last_event = before; });
  event.cursor = ++tables_.last_event;
  events_.push_back(event);
  tables_.events.put(undo_, event.cursor, std::move(event));
  return events_.back().cursor;
}

Status MemoryTransaction::put_idempotency(const IdempotencyRecord& record) {
  const IdempotencyRecord* const existing = tables_.idempotency.find({record.workspace, record.key});
  if (existing != nullptr && existing->request_hash != record.request_hash) {
    return fail(errors::idempotency_conflict, fmt::format("key {:?} belongs to another request", record.key));
  }
  if (existing == nullptr) tables_.idempotency.put(undo_, {record.workspace, record.key}, record);
  return {};
}

Status MemoryTransaction::put_token(const TokenRecord& token) {
  TRY(const std::optional<TokenRecord> same_hash, token_by_hash(token.hash));
  if (same_hash && same_hash->id != token.id) return fail(errors::already_exists, "another token has the same hash");
  tables_.tokens.put(undo_, token.id, token);
  return {};
}

Status MemoryTransaction::delete_token(const std::string& id) {
  return found_one(tables_.tokens.erase(undo_, id), fmt::format("token {:?}", id));
}

Status MemoryTransaction::put_member(const MemberRecord& member) {
  tables_.members.put(undo_, {member.workspace, member.user}, member);
  return {};
}

Status MemoryTransaction::delete_member(const std::string& workspace, const std::string& user) {
  return found_one(tables_.members.erase(undo_, {workspace, user}),
                   fmt::format("member {:?} in workspace {:?}", user, workspace));
}

Status MemoryTransaction::put_secret(const SecretRecord& secret) {
  tables_.secrets.put(undo_, {secret.workspace, secret.name}, secret);
  return {};
}

Status MemoryTransaction::delete_secret(const std::string& workspace, const std::string& name) {
  return found_one(tables_.secrets.erase(undo_, {workspace, name}),
                   fmt::format("secret {:?} in workspace {:?}", name, workspace));
}

Status MemoryTransaction::put_setting(const std::string& name, const std::string& value) {
  if (value.empty())
    tables_.settings.erase(undo_, name);
  else
    tables_.settings.put(undo_, name, value);
  return {};
}

}  // namespace werkbank::store::memory
