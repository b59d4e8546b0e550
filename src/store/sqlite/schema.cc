#include "store/sqlite/schema.hh"

namespace werkbank::store::sqlite {
namespace {

// Enumerations are stored as words (status) or fixed numbers (stage: 0 active, 1 archived, 2 deleted; control: 0 managed, 1
// tracked; labels.kind: 0 tag, 1 property, 2 param): never as whatever order an enum has today. Every listing is ordered by
// (created_ms, number, id), so each index ends with these and a page is one walk along one index. labels repeats workspace,
// created_ms and number, which never change, so that a filter by tag is such a walk, too. value_start is the first 64 bytes of a
// value: a long value is not stored in the index again.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE workspaces (
  name TEXT PRIMARY KEY, subscription_id TEXT NOT NULL, resource_group TEXT NOT NULL, location TEXT NOT NULL,
  description TEXT NOT NULL, tags TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE experiments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  tags TEXT NOT NULL, stage INTEGER NOT NULL, created_ms INTEGER NOT NULL, runs_created INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX experiments_by_name ON experiments (workspace, name);
CREATE INDEX experiments_by_stage ON experiments (workspace, stage, name);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, run_id TEXT NOT NULL, experiment_id INTEGER NOT NULL,
  number INTEGER NOT NULL, parent_id TEXT NOT NULL, root_id TEXT NOT NULL, display_name TEXT NOT NULL, description TEXT NOT NULL,
  run_type TEXT NOT NULL, control INTEGER NOT NULL, status TEXT NOT NULL, stage INTEGER NOT NULL, target TEXT NOT NULL,
  script TEXT NOT NULL, created_by TEXT NOT NULL, created_ms INTEGER NOT NULL, queued_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, deleted_ms INTEGER NOT NULL, priority INTEGER NOT NULL,
  attempt INTEGER NOT NULL, cancel_requested INTEGER NOT NULL, cancel_who TEXT NOT NULL, end TEXT NOT NULL,
  warnings TEXT NOT NULL, revision INTEGER NOT NULL);
CREATE UNIQUE INDEX runs_by_key ON runs (workspace, run_id);
CREATE INDEX runs_by_time ON runs (workspace, stage, created_ms, number);
CREATE INDEX runs_by_experiment ON runs (experiment_id, stage, created_ms, number);
CREATE INDEX runs_by_status ON runs (workspace, stage, status, created_ms, number);
CREATE INDEX runs_by_parent ON runs (workspace, parent_id, stage, created_ms, number) WHERE parent_id <> '';
CREATE INDEX runs_by_root ON runs (workspace, root_id, stage, created_ms, number);
CREATE INDEX runs_unfinished ON runs (created_ms, number) WHERE control = 0 AND status NOT IN ('Completed', 'Failed', 'Canceled');

CREATE TABLE run_specs (run INTEGER PRIMARY KEY, spec TEXT NOT NULL);
CREATE TABLE run_git (
  run INTEGER PRIMARY KEY, repository_url TEXT NOT NULL, branch TEXT NOT NULL, commit_id TEXT NOT NULL, dirty INTEGER NOT NULL);

CREATE TABLE labels (
  run INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, value_start TEXT NOT NULL,
  workspace TEXT NOT NULL, created_ms INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (run, kind, key)) WITHOUT ROWID;
CREATE INDEX labels_by_key ON labels (workspace, kind, key, created_ms, number, run);
CREATE INDEX labels_by_value ON labels (workspace, kind, key, value_start, created_ms, number, run);

CREATE TABLE attempts (
  run INTEGER NOT NULL, number INTEGER NOT NULL, lease TEXT NOT NULL, target TEXT NOT NULL, handle TEXT NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;

CREATE TABLE artifacts (
  run INTEGER NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, size_bytes INTEGER NOT NULL, attempt INTEGER NOT NULL,
  rank INTEGER NOT NULL, modified_ms INTEGER NOT NULL, PRIMARY KEY (run, path)) WITHOUT ROWID;

CREATE TABLE events (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, run_id TEXT NOT NULL, experiment TEXT NOT NULL,
  type TEXT NOT NULL, at_ms INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_workspace ON events (workspace, cursor);

CREATE TABLE idempotency (
  workspace TEXT NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, answer TEXT NOT NULL, created_ms INTEGER NOT NULL,
  PRIMARY KEY (workspace, key)) WITHOUT ROWID;

CREATE TABLE environments (
  workspace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, label TEXT NOT NULL, definition TEXT NOT NULL,
  created_ms INTEGER NOT NULL, PRIMARY KEY (workspace, name, version)) WITHOUT ROWID;
CREATE INDEX environments_by_label ON environments (workspace, name, label, version) WHERE label <> '';

CREATE TABLE tokens (
  id TEXT PRIMARY KEY, hash TEXT NOT NULL, user TEXT NOT NULL, workspace TEXT NOT NULL, role INTEGER NOT NULL,
  description TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_by_hash ON tokens (hash);
CREATE TABLE members (
  workspace TEXT NOT NULL, user TEXT NOT NULL, role INTEGER NOT NULL, PRIMARY KEY (workspace, user)) WITHOUT ROWID;
CREATE TABLE secrets (
  workspace TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,
  PRIMARY KEY (workspace, name)) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

// One active experiment of a name; what content a workspace has; indexes for pruning by age. What runs took along so far counts
// as their workspaces' own.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE experiments ADD COLUMN stage_ms INTEGER NOT NULL DEFAULT 0;
DROP INDEX experiments_by_name;
DROP INDEX experiments_by_stage;
CREATE UNIQUE INDEX experiments_active ON experiments (workspace, name) WHERE stage = 0;
CREATE INDEX experiments_by_name ON experiments (workspace, name, id);
CREATE INDEX experiments_by_stage ON experiments (workspace, stage, name, id);
CREATE TABLE snapshots (
  workspace TEXT NOT NULL, id TEXT NOT NULL, used_ms INTEGER NOT NULL, PRIMARY KEY (workspace, id)) WITHOUT ROWID;
INSERT INTO snapshots (workspace, id, used_ms)
  SELECT DISTINCT workspace, value, 0 FROM labels WHERE kind = 1 AND key = 'ContentSnapshotId';
CREATE TABLE held_blobs (hash BLOB NOT NULL, workspace TEXT NOT NULL, PRIMARY KEY (hash, workspace)) WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (created_ms);
)sql";

// Compute targets that users made, as documents: what their settings mean is known to their kind.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE compute_targets (
  workspace TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (workspace, name)) WITHOUT ROWID;
)sql";

// What a version of an environment is called is always written down; its content by hash; labels.
constexpr const char* kEnvironmentVersions = R"sql(
ALTER TABLE environments ADD COLUMN content TEXT NOT NULL DEFAULT '';
ALTER TABLE environments ADD COLUMN submitted INTEGER NOT NULL DEFAULT 0;
UPDATE environments SET label = CAST(version AS TEXT) WHERE label = '';
DROP INDEX environments_by_label;
CREATE INDEX environments_by_label ON environments (workspace, name, label, version);
CREATE INDEX environments_by_content ON environments (workspace, name, content, version);
CREATE TABLE environment_labels (
  workspace TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (workspace, name, label)) WITHOUT ROWID;
)sql";

// Registered models. model_names keeps the last version that was given, also when its models are gone.
constexpr const char* kModels = R"sql(
CREATE TABLE models (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
  description TEXT NOT NULL, framework TEXT NOT NULL, framework_version TEXT NOT NULL, tags TEXT NOT NULL,
  properties TEXT NOT NULL, content TEXT NOT NULL, file_count INTEGER NOT NULL, size_bytes INTEGER NOT NULL, run_id TEXT NOT NULL,
  experiment TEXT NOT NULL, run_path TEXT NOT NULL, datasets TEXT NOT NULL, sample_input TEXT NOT NULL,
  sample_output TEXT NOT NULL, resources TEXT NOT NULL, created_by TEXT NOT NULL, created_ms INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL, revision INTEGER NOT NULL);
CREATE UNIQUE INDEX models_by_key ON models (workspace, name, version);
CREATE INDEX models_by_time ON models (workspace, id);
CREATE INDEX models_by_run ON models (workspace, run_id, id) WHERE run_id <> '';
CREATE TABLE model_names (
  workspace TEXT NOT NULL, name TEXT NOT NULL, last_version INTEGER NOT NULL, PRIMARY KEY (workspace, name)) WITHOUT ROWID;
CREATE TABLE model_users (
  workspace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, user_name TEXT NOT NULL,
  PRIMARY KEY (workspace, name, version, kind, user_name)) WITHOUT ROWID;
)sql";

// Datastores. What is registered keeps the case of its name, and is found whatever the case.
constexpr const char* kDatastores = R"sql(
CREATE TABLE datastores (
  workspace TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, kind TEXT NOT NULL, settings TEXT NOT NULL, sealed BLOB NOT NULL,
  created_by TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (workspace, name)) WITHOUT ROWID;
CREATE TABLE default_datastores (workspace TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
)sql";

// Datasets: what was saved, what was registered, which runs read or made which. And how the ranks of an attempt ended.
constexpr const char* kDatasets = R"sql(
CREATE TABLE datasets (
  workspace TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, definition TEXT NOT NULL, content TEXT NOT NULL,
  file_count INTEGER NOT NULL, size_bytes INTEGER NOT NULL, created_by TEXT NOT NULL, created_ms INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)) WITHOUT ROWID;
CREATE TABLE dataset_versions (
  workspace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, dataset_id TEXT NOT NULL, description TEXT NOT NULL,
  tags TEXT NOT NULL, created_by TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (workspace, name, version)) WITHOUT ROWID;
CREATE INDEX dataset_versions_by_id ON dataset_versions (workspace, dataset_id);
CREATE TABLE dataset_names (
  workspace TEXT NOT NULL, name TEXT NOT NULL, last_version INTEGER NOT NULL, PRIMARY KEY (workspace, name)) WITHOUT ROWID;
CREATE TABLE dataset_uses (
  serial INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, workspace TEXT NOT NULL, run_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL, is_output INTEGER NOT NULL, port TEXT NOT NULL, mode TEXT NOT NULL);
CREATE UNIQUE INDEX dataset_uses_once ON dataset_uses (run, dataset_id, is_output, port, mode);
CREATE INDEX dataset_uses_by_run ON dataset_uses (workspace, run_id, serial);
CREATE INDEX dataset_uses_by_dataset ON dataset_uses (workspace, dataset_id, serial);
ALTER TABLE attempts ADD COLUMN rank_ends TEXT NOT NULL DEFAULT '';
)sql";

// Points that are rolled up (docs/reference/series-format.md); the newest ones are in the segments beside the file.
constexpr const char* kSeriesVersion1 = R"sql(
CREATE TABLE series (
  id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, run_id TEXT NOT NULL, position INTEGER NOT NULL, metric TEXT NOT NULL,
  column_name TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, last BLOB NOT NULL, minimum REAL, maximum REAL);
CREATE UNIQUE INDEX series_by_name ON series (workspace, run_id, metric, column_name);
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX chunks_by_series ON chunks (series, first);
CREATE TABLE writers (
  workspace TEXT NOT NULL, run_id TEXT NOT NULL, attempt INTEGER NOT NULL, rank INTEGER NOT NULL, writer TEXT NOT NULL,
  accepted INTEGER NOT NULL, PRIMARY KEY (workspace, run_id, attempt, rank, writer)) WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
)sql";

}  // namespace

const std::vector<const char*>& store_migrations() {
  static const std::vector<const char*> migrations{kVersion1, kVersion2,   kVersion3, kEnvironmentVersions,
                                                   kModels,   kDatastores, kDatasets};
  return migrations;
}

const std::vector<const char*>& series_migrations() {
  static const std::vector<const char*> migrations{kSeriesVersion1};
  return migrations;
}

}  // namespace werkbank::store::sqlite
