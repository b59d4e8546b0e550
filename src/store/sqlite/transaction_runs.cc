// Writes about runs and what hangs on them.
#include <fmt/format.h>

#include "store/sqlite/transaction.hh"

namespace werkbank::store::sqlite {
namespace {

std::unexpected<Error> no_run(const RunKey& key) {
  return fail(errors::run_not_found, fmt::format("no run {:?} in workspace {:?}", key.run_id, key.workspace));
}

// Which of the columns that indexes hold have changed: only then are the indexes touched.
struct IndexedColumns {
  std::string parent_id, root_id, status;
  int64_t control = 0, stage = 0;
  bool operator==(const IndexedColumns&) const = default;
};

IndexedColumns indexed_columns(const Run& run) {
  return {run.parent_id, run.root_id, std::string(to_string(run.status)), stored(run.control), stored(run.stage)};
}

}  // namespace

Result<int64_t> SqliteTransaction::existing_run_row(const RunKey& key) {
  TRY(const std::optional<int64_t> row, find_run_row(db_, key));
  if (!row) return no_run(key);
  return *row;
}

Result<Run> SqliteTransaction::create_run(Run run, const RunSpec* spec, const GitFacts* git) {
  TRY(const std::optional<int64_t> existing, find_run_row(db_, run.key));
  if (existing) {
    return fail(errors::already_exists,
                fmt::format("run {:?} is there already in workspace {:?}", run.key.run_id, run.key.workspace));
  }
  {
    TRY(Statement statement, db_.prepare("UPDATE experiments SET runs_created = runs_created + 1 WHERE id = ? AND workspace = ? "
                                         "RETURNING runs_created, name"));
    statement.bind_all(run.experiment_id, run.key.workspace);
    TRY(const bool found, statement.step());
    if (!found) {
      return fail(errors::experiment_not_found,
                  fmt::format("no experiment with id {} in workspace {:?}", run.experiment_id, run.key.workspace));
    }
    run.number = statement.integer(0);
    run.experiment = statement.text(1);
    CHECK_OK(statement.step());
  }
  run.revision = 1;
  CHECK_OK(db_.execute(
      "INSERT INTO runs (workspace, run_id, experiment_id, number, parent_id, root_id, display_name, description, run_type, "
      "control, "
      "status, stage, target, script, created_by, created_ms, queued_ms, started_ms, ended_ms, deleted_ms, priority, attempt, "
      "cancel_requested, cancel_who, end, warnings, revision) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      run.key.workspace, run.key.run_id, run.experiment_id, run.number, run.parent_id, run.root_id, run.display_name,
      run.description, run.run_type, stored(run.control), to_string(run.status), stored(run.stage), run.target, run.script,
      run.created_by, run.created_ms, run.queued_ms, run.started_ms, run.ended_ms, run.deleted_ms, run.priority, run.attempt,
      run.cancel_requested, run.cancel_who, stored_end(run.end), stored_texts(run.warnings), run.revision));
  const int64_t row = db_.last_insert_id();
  CHECK_OK(put_labels(row, run, LabelKind::kTag, {}, run.tags));
  CHECK_OK(put_labels(row, run, LabelKind::kProperty, {}, run.properties));
  CHECK_OK(put_labels(row, run, LabelKind::kParam, {}, run.params));
  if (spec != nullptr) {
    CHECK_OK(db_.execute("INSERT INTO run_specs (run, spec) VALUES (?, ?)", row, std::string(json::serialize(to_json(*spec)))));
  }
  if (git != nullptr) {
    CHECK_OK(db_.execute("INSERT INTO run_git (run, repository_url, branch, commit_id, dirty) VALUES (?, ?, ?, ?, ?)", row,
                         git->repository_url, git->branch, git->commit, git->dirty));
  }
  return run;
}

Status SqliteTransaction::update_run(Run& run) {
  int64_t row = 0;
  int64_t revision = 0;
  Run before;
  IndexedColumns indexed_before;
  {
    TRY(Statement statement,
        db_.prepare("SELECT id, revision, parent_id, root_id, status, control, stage, created_ms, number FROM runs "
                    "WHERE workspace = ? AND run_id = ?"));
    statement.bind_all(run.key.workspace, run.key.run_id);
    TRY(const bool found, statement.step());
    if (!found) return no_run(run.key);
    row = statement.integer(0);
    revision = statement.integer(1);
    indexed_before = {statement.text(2), statement.text(3), statement.text(4), statement.integer(5), statement.integer(6)};
    run.created_ms = statement.integer(7);  // these two never change: cursors and labels hold them
    run.number = statement.integer(8);
  }
  CHECK_OK(load_labels(db_, row, before));
  run.revision = revision + 1;
  CHECK_OK(db_.execute(
      "UPDATE runs SET display_name = ?, description = ?, run_type = ?, target = ?, script = ?, created_by = ?, queued_ms = ?, "
      "started_ms = ?, ended_ms = ?, deleted_ms = ?, priority = ?, attempt = ?, cancel_requested = ?, cancel_who = ?, end = ?, "
      "warnings = ?, revision = ? WHERE id = ?",
      run.display_name, run.description, run.run_type, run.target, run.script, run.created_by, run.queued_ms, run.started_ms,
      run.ended_ms, run.deleted_ms, run.priority, run.attempt, run.cancel_requested, run.cancel_who, stored_end(run.end),
      stored_texts(run.warnings), run.revision, row));
  if (const IndexedColumns now = indexed_columns(run); now != indexed_before) {
    CHECK_OK(db_.execute("UPDATE runs SET parent_id = ?, root_id = ?, status = ?, control = ?, stage = ? WHERE id = ?",
                         now.parent_id, now.root_id, now.status, now.control, now.stage, row));
  }
  CHECK_OK(put_labels(row, run, LabelKind::kTag, before.tags, run.tags));
  CHECK_OK(put_labels(row, run, LabelKind::kProperty, before.properties, run.properties));
  return put_labels(row, run, LabelKind::kParam, before.params, run.params);
}

Status SqliteTransaction::put_labels(int64_t run_row, const Run& run, LabelKind kind, const TextMap& before,
                                     const TextMap& after) {
  for (const auto& [key, value] : before) {
    if (after.contains(key)) continue;
    CHECK_OK(db_.execute("DELETE FROM labels WHERE run = ? AND kind = ? AND key = ?", run_row, static_cast<int>(kind), key));
  }
  for (const auto& [key, value] : after) {
    if (const auto old = before.find(key); old != before.end() && old->second == value) continue;
    CHECK_OK(db_.execute(
        "INSERT INTO labels (run, kind, key, value, value_start, workspace, created_ms, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run, kind, key) DO UPDATE SET value = excluded.value, value_start = excluded.value_start",
        run_row, static_cast<int>(kind), key, value, value.substr(0, kValueStartBytes), run.key.workspace, run.created_ms,
        run.number));
  }
  return {};
}

Status SqliteTransaction::delete_run_row(int64_t run_row) {
  static constexpr std::string_view kDeletes[] = {"DELETE FROM labels WHERE run = ?",    "DELETE FROM run_specs WHERE run = ?",
                                                  "DELETE FROM run_git WHERE run = ?",   "DELETE FROM attempts WHERE run = ?",
                                                  "DELETE FROM artifacts WHERE run = ?", "DELETE FROM dataset_uses WHERE run = ?",
                                                  "DELETE FROM runs WHERE id = ?"};
  for (const std::string_view sql : kDeletes) CHECK_OK(db_.execute(sql, run_row));
  return {};
}

Status SqliteTransaction::purge_run(const RunKey& key) {
  TRY(const int64_t row, existing_run_row(key));
  return delete_run_row(row);
}

Status SqliteTransaction::put_attempt(const Attempt& attempt) {
  TRY(const int64_t row, existing_run_row(attempt.run));
  return db_.execute(
      "INSERT INTO attempts (run, number, lease, target, handle, started_ms, ended_ms, last_seen_ms, rank_ends) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (run, number) DO UPDATE SET lease = excluded.lease, target = excluded.target, handle = excluded.handle, "
      "started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, last_seen_ms = excluded.last_seen_ms, "
      "rank_ends = excluded.rank_ends",
      row, attempt.number, attempt.lease, attempt.target, std::string(json::serialize(attempt.handle)), attempt.started_ms,
      attempt.ended_ms, attempt.last_seen_ms, stored_rank_ends(attempt.rank_ends));
}

Status SqliteTransaction::put_artifact(const Artifact& artifact) {
  TRY(const int64_t row, existing_run_row(artifact.run));
  return db_.execute(
      "INSERT INTO artifacts (run, path, hash, size_bytes, attempt, rank, modified_ms) VALUES (?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (run, path) DO UPDATE SET hash = excluded.hash, size_bytes = excluded.size_bytes, attempt = excluded.attempt, "
      "rank = excluded.rank, modified_ms = excluded.modified_ms",
      row, artifact.path, artifact.hash, static_cast<int64_t>(artifact.size_bytes), artifact.attempt, artifact.rank,
      artifact.modified_ms);
}

Status SqliteTransaction::delete_artifact(const RunKey& key, const std::string& path) {
  TRY(const int64_t row, existing_run_row(key));
  CHECK_OK(db_.execute("DELETE FROM artifacts WHERE run = ? AND path = ?", row, path));
  return deleted_one(fmt::format("file {:?} in run {:?}", path, key.run_id));
}

}  // namespace werkbank::store::sqlite
