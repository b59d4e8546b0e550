#include "store/sqlite/transaction.hh"

#include <algorithm>

#include <fmt/format.h>

namespace werkbank::store::sqlite {

Status SqliteTransaction::deleted_one(std::string_view what) {
  if (db_.changed_rows() == 0) return fail(errors::not_found, fmt::format("there is no {}", what));
  return {};
}

Status SqliteTransaction::put_workspace(const Workspace& workspace) {
  return db_.execute(
      "INSERT OR REPLACE INTO workspaces (name, subscription_id, resource_group, location, description, tags, created_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      workspace.name, workspace.subscription_id, workspace.resource_group, workspace.location, workspace.description,
      stored_map(workspace.tags), workspace.created_ms);
}

Status SqliteTransaction::delete_workspace(const std::string& name) {
  CHECK_OK(db_.execute("DELETE FROM workspaces WHERE name = ?", name));
  if (db_.changed_rows() == 0) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", name));
  while (true) {
    TRY(const std::optional<int64_t> row, db_.find_integer("SELECT id FROM runs WHERE workspace = ? LIMIT 1", name));
    if (!row) break;
    CHECK_OK(delete_run_row(*row));
  }
  static constexpr std::string_view kDeletes[] = {"DELETE FROM experiments WHERE workspace = ?",
                                                  "DELETE FROM idempotency WHERE workspace = ?",
                                                  "DELETE FROM environments WHERE workspace = ?",
                                                  "DELETE FROM tokens WHERE workspace = ?",
                                                  "DELETE FROM members WHERE workspace = ?",
                                                  "DELETE FROM secrets WHERE workspace = ?",
                                                  "DELETE FROM events WHERE workspace = ?",
                                                  "DELETE FROM snapshots WHERE workspace = ?",
                                                  "DELETE FROM held_blobs WHERE workspace = ?",
                                                  "DELETE FROM compute_targets WHERE workspace = ?",
                                                  "DELETE FROM environment_labels WHERE workspace = ?",
                                                  "DELETE FROM models WHERE workspace = ?",
                                                  "DELETE FROM model_names WHERE workspace = ?",
                                                  "DELETE FROM model_users WHERE workspace = ?",
                                                  "DELETE FROM datastores WHERE workspace = ?",
                                                  "DELETE FROM default_datastores WHERE workspace = ?",
                                                  "DELETE FROM datasets WHERE workspace = ?",
                                                  "DELETE FROM dataset_names WHERE workspace = ?",
                                                  "DELETE FROM dataset_versions WHERE workspace = ?"};
  for (const std::string_view sql : kDeletes) CHECK_OK(db_.execute(sql, name));
  return {};
}

Status SqliteTransaction::refuse_other_active(const Experiment& experiment) {
  if (experiment.stage != LifecycleStage::kActive) return {};
  TRY(const std::optional<Experiment> other, find_experiment(db_, experiment.workspace, experiment.name));
  if (!other || other->id == experiment.id || other->stage != LifecycleStage::kActive) return {};
  return fail(errors::already_exists, fmt::format("experiment {:?} is there already", experiment.name));
}

Result<Experiment> SqliteTransaction::create_experiment(Experiment experiment) {
  TRY(const std::optional<int64_t> owner, db_.find_integer("SELECT 1 FROM workspaces WHERE name = ?", experiment.workspace));
  if (!owner) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", experiment.workspace));
  CHECK_OK(refuse_other_active(experiment));
  CHECK_OK(db_.execute(
      "INSERT INTO experiments (workspace, name, description, tags, stage, created_ms, stage_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      experiment.workspace, experiment.name, experiment.description, stored_map(experiment.tags), stored(experiment.stage),
      experiment.created_ms, experiment.stage_ms));
  experiment.id = db_.last_insert_id();
  return experiment;
}

Status SqliteTransaction::update_experiment(const Experiment& experiment) {
  CHECK_OK(refuse_other_active(experiment));
  CHECK_OK(db_.execute(
      "UPDATE experiments SET name = ?, description = ?, tags = ?, stage = ?, stage_ms = ? WHERE id = ? AND workspace = ?",
      experiment.name, experiment.description, stored_map(experiment.tags), stored(experiment.stage), experiment.stage_ms,
      experiment.id, experiment.workspace));
  if (db_.changed_rows() == 0) {
    return fail(errors::experiment_not_found,
                fmt::format("no experiment with id {} in workspace {:?}", experiment.id, experiment.workspace));
  }
  return {};
}

Result<int64_t> SqliteTransaction::append_event(RunEvent event) {
  CHECK_OK(db_.execute("INSERT INTO events (workspace, run_id, experiment, type, at_ms, data) VALUES (?, ?, ?, ?, ?, ?)",
                       event.workspace, event.run_id, event.experiment, event.type, event.at_ms,
                       std::string(json::serialize(event.data))));
  event.cursor = db_.last_insert_id();
  events_.push_back(std::move(event));
  return events_.back().cursor;
}

Status SqliteTransaction::put_idempotency(const IdempotencyRecord& record) {
  TRY(const std::optional<IdempotencyRecord> existing, find_idempotency(db_, record.workspace, record.key));
  if (existing && existing->request_hash != record.request_hash) {
    return fail(errors::idempotency_conflict, fmt::format("key {:?} belongs to another request", record.key));
  }
  if (existing) return {};
  return db_.execute("INSERT INTO idempotency (workspace, key, request_hash, answer, created_ms) VALUES (?, ?, ?, ?, ?)",
                     record.workspace, record.key, record.request_hash, record.answer, record.created_ms);
}

Status SqliteTransaction::put_token(const TokenRecord& token) {
  return db_.execute(
      "INSERT INTO tokens (id, hash, user, workspace, role, description, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, user = excluded.user, workspace = excluded.workspace, role = "
      "excluded.role, "
      "description = excluded.description, created_ms = excluded.created_ms, expires_ms = excluded.expires_ms",
      token.id, token.hash, token.user, token.workspace, stored(token.role), token.description, token.created_ms,
      token.expires_ms);
}

Status SqliteTransaction::delete_token(const std::string& id) {
  CHECK_OK(db_.execute("DELETE FROM tokens WHERE id = ?", id));
  return deleted_one(fmt::format("token {:?}", id));
}

Status SqliteTransaction::put_member(const MemberRecord& member) {
  return db_.execute("INSERT OR REPLACE INTO members (workspace, user, role) VALUES (?, ?, ?)", member.workspace, member.user,
                     stored(member.role));
}

Status SqliteTransaction::delete_member(const std::string& workspace, const std::string& user) {
  CHECK_OK(db_.execute("DELETE FROM members WHERE workspace = ? AND user = ?", workspace, user));
  return deleted_one(fmt::format("member {:?} in workspace {:?}", user, workspace));
}

Status SqliteTransaction::put_secret(const SecretRecord& secret) {
  TRY(Statement statement,
      db_.prepare("INSERT OR REPLACE INTO secrets (workspace, name, created_ms, sealed) VALUES (?, ?, ?, ?)"));
  statement.bind_all(secret.workspace, secret.name, secret.created_ms);
  statement.bind_blob(4, secret.sealed);
  CHECK_OK(statement.step());
  return {};
}

Status SqliteTransaction::delete_secret(const std::string& workspace, const std::string& name) {
  CHECK_OK(db_.execute("DELETE FROM secrets WHERE workspace = ? AND name = ?", workspace, name));
  return deleted_one(fmt::format("secret {:?} in workspace {:?}", name, workspace));
}

Status SqliteTransaction::put_setting(const std::string& name, const std::string& value) {
  if (value.empty()) return db_.execute("DELETE FROM settings WHERE name = ?", name);
  return db_.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, value);
}

}  // namespace werkbank::store::sqlite
