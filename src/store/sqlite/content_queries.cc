// Which workspace has which content, and what is too old to keep.
#include <algorithm>

#include "store/sqlite/queries.hh"
#include "store/sqlite/transaction.hh"

namespace werkbank::store::sqlite {
namespace {

std::string_view bytes_of(const Hash& hash) { return {reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size()}; }

// Nothing where the row holds no hash of ours.
std::optional<Hash> hash_from(std::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.bytes.size()) return std::nullopt;
  std::ranges::copy(bytes, hash.bytes.begin());
  return hash;
}

}  // namespace

Result<std::vector<Hash>> list_blobs_not_held(Database& db, const std::string& workspace, const std::vector<Hash>& hashes) {
  TRY(Statement statement, db.prepare("SELECT 1 FROM held_blobs WHERE hash = ? AND workspace = ?"));
  std::vector<Hash> missing;
  for (const Hash& hash : hashes) {
    statement.bind_blob(1, bytes_of(hash));
    statement.bind(2, workspace);
    TRY(const bool held, statement.step());
    if (!held) missing.push_back(hash);
    statement.reset();
  }
  return missing;
}

Result<std::optional<UtcMs>> find_snapshot_use(Database& db, const std::string& workspace, const Hash& id) {
  return db.find_integer("SELECT used_ms FROM snapshots WHERE workspace = ? AND id = ?", workspace, id.hex());
}

Result<std::vector<Hash>> list_snapshot_roots(Database& db, UtcMs used_since_ms, const std::string& except) {
  TRY(Statement statement,
      db.prepare("SELECT id FROM snapshots WHERE workspace <> ? AND used_ms >= ? UNION "
                 "SELECT value FROM labels WHERE workspace <> ? AND kind = 1 AND key = 'ContentSnapshotId'"));
  statement.bind_all(except, used_since_ms, except);
  std::vector<Hash> ids;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return ids;
    if (const Result<Hash> id = Hash::parse(statement.text(0))) ids.push_back(*id);
  }
}

Status visit_artifact_hashes(Database& db, const std::string& except, const std::function<void(const Hash&)>& visit) {
  TRY(Statement statement,
      db.prepare("SELECT a.hash FROM artifacts AS a CROSS JOIN runs AS r ON r.id = a.run WHERE r.workspace <> ?"));
  statement.bind_all(except);
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return {};
    if (const Result<Hash> hash = Hash::parse(statement.text(0))) visit(*hash);
  }
}

Result<std::vector<Hash>> list_blobs_held_only_by(Database& db, const std::string& workspace) {
  TRY(Statement statement, db.prepare("SELECT hash FROM held_blobs GROUP BY hash HAVING count(*) = 1 AND min(workspace) = ?"));
  statement.bind_all(workspace);
  std::vector<Hash> hashes;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return hashes;
    if (const std::optional<Hash> hash = hash_from(statement.blob(0))) hashes.push_back(*hash);
  }
}

Status SqliteTransaction::hold_blobs(const std::string& workspace, const std::vector<Hash>& hashes) {
  TRY(Statement statement, db_.prepare("INSERT OR IGNORE INTO held_blobs (hash, workspace) VALUES (?, ?)"));
  for (const Hash& hash : hashes) {
    statement.bind_blob(1, bytes_of(hash));
    statement.bind(2, workspace);
    CHECK_OK(statement.step());
    statement.reset();
  }
  return {};
}

Status SqliteTransaction::put_snapshot(const std::string& workspace, const Hash& id, UtcMs used_ms) {
  return db_.execute("INSERT OR REPLACE INTO snapshots (workspace, id, used_ms) VALUES (?, ?, ?)", workspace, id.hex(), used_ms);
}

Status SqliteTransaction::forget_blobs(const std::vector<Hash>& hashes) {
  TRY(Statement statement, db_.prepare("DELETE FROM held_blobs WHERE hash = ?"));
  for (const Hash& hash : hashes) {
    statement.bind_blob(1, bytes_of(hash));
    CHECK_OK(statement.step());
    statement.reset();
  }
  return {};
}

Result<int64_t> SqliteTransaction::forget_unused_snapshots(UtcMs used_before_ms) {
  CHECK_OK(
      db_.execute("DELETE FROM snapshots WHERE used_ms < ? AND NOT EXISTS (SELECT 1 FROM labels AS l "
                  "WHERE l.workspace = snapshots.workspace AND l.kind = 1 AND l.key = 'ContentSnapshotId' "
                  "AND l.value_start = substr(snapshots.id, 1, 64) AND l.value = snapshots.id)",
                  used_before_ms));
  return db_.changed_rows();
}

Result<int64_t> SqliteTransaction::prune_events(UtcMs before_ms, int64_t limit) {
  CHECK_OK(db_.execute("DELETE FROM events WHERE at_ms < ? AND cursor IN (SELECT cursor FROM events ORDER BY cursor LIMIT ?)",
                       before_ms, limit));
  return db_.changed_rows();
}

Result<int64_t> SqliteTransaction::prune_idempotency(UtcMs before_ms, int64_t limit) {
  CHECK_OK(
      db_.execute("DELETE FROM idempotency WHERE (workspace, key) IN (SELECT workspace, key FROM idempotency "
                  "WHERE created_ms < ? ORDER BY created_ms LIMIT ?)",
                  before_ms, limit));
  return db_.changed_rows();
}

Result<int64_t> SqliteTransaction::move_runs_of_experiment(int64_t experiment_id, LifecycleStage from, UtcMs from_ms,
                                                           LifecycleStage to, UtcMs to_ms) {
  CHECK_OK(
      db_.execute("UPDATE runs SET stage = ?, deleted_ms = ?, revision = revision + 1 "
                  "WHERE experiment_id = ? AND stage = ? AND deleted_ms = ?",
                  stored(to), to_ms, experiment_id, stored(from), from_ms));
  return db_.changed_rows();
}

}  // namespace werkbank::store::sqlite
