// Reader and Transaction over one connection.
#pragma once

#include "store/sqlite/datastores.hh"
#include "store/sqlite/queries.hh"
#include "store/sqlite/sqlite_datasets.hh"
#include "store/sqlite/sqlite_environments.hh"
#include "store/sqlite/sqlite_models.hh"
#include "store/sqlite/target_queries.hh"
#include "store/store.hh"

namespace werkbank::store::sqlite {

// The reading half, for both: Base is Reader or Transaction.
template <typename Base>
class Reads : public Base {
 public:
  explicit Reads(Database& db) : db_(db), targets_(db), models_(db) {}
  ModelReader& models() override { return models_; }
  Result<std::optional<Workspace>> workspace(const std::string& name) override { return find_workspace(db_, name); }
  Result<std::vector<Workspace>> workspaces() override { return list_workspaces(db_); }
  Result<std::optional<Experiment>> experiment(const std::string& workspace, const std::string& name) override {
    return find_experiment(db_, workspace, name);
  }
  Result<std::optional<Experiment>> experiment_by_id(int64_t id) override { return find_experiment_by_id(db_, id); }
  Result<Page<Experiment>> experiments(const std::string& workspace, LifecycleStage stage, int64_t limit,
                                       const std::string& cursor) override {
    return list_experiments(db_, workspace, stage, limit, cursor);
  }
  Result<std::optional<Run>> run(const RunKey& key) override { return find_run(db_, key); }
  Result<Page<Run>> runs(const RunQuery& query) override { return list_runs(db_, query); }
  Result<std::vector<Run>> unfinished_managed_runs() override { return list_unfinished_managed_runs(db_); }
  Result<std::optional<RunSpec>> run_spec(const RunKey& key) override { return find_run_spec(db_, key); }
  Result<std::optional<GitFacts>> git_facts(const RunKey& key) override { return find_git_facts(db_, key); }
  Result<std::vector<Attempt>> attempts(const RunKey& key) override { return list_attempts(db_, key); }
  Result<std::optional<Artifact>> artifact(const RunKey& key, const std::string& path) override {
    return find_artifact(db_, key, path);
  }
  Result<std::vector<Artifact>> artifacts(const RunKey& key, const std::string& prefix) override {
    return list_artifacts(db_, key, prefix);
  }
  Result<std::vector<RunEvent>> events_after(int64_t cursor, const std::string& workspace, int64_t limit) override {
    return list_events(db_, cursor, workspace, limit);
  }
  Result<int64_t> last_event_cursor() override { return find_last_event_cursor(db_); }
  Result<std::optional<IdempotencyRecord>> idempotency(const std::string& workspace, const std::string& key) override {
    return find_idempotency(db_, workspace, key);
  }
  EnvironmentReader& environments() override { return environments_; }
  Result<std::optional<TokenRecord>> token_by_hash(const std::string& hash) override { return find_token_by_hash(db_, hash); }
  Result<std::vector<TokenRecord>> tokens() override { return list_tokens(db_); }
  Result<std::optional<MemberRecord>> member(const std::string& workspace, const std::string& user) override {
    return find_member(db_, workspace, user);
  }
  Result<std::vector<MemberRecord>> members(const std::string& workspace) override { return list_members(db_, workspace); }
  Result<std::optional<SecretRecord>> secret(const std::string& workspace, const std::string& name) override {
    return find_secret(db_, workspace, name);
  }
  Result<std::vector<SecretRecord>> secrets(const std::string& workspace) override { return list_secrets(db_, workspace); }
  Result<std::optional<std::string>> setting(const std::string& name) override { return find_setting(db_, name); }
  Result<std::vector<Hash>> blobs_not_held(const std::string& workspace, const std::vector<Hash>& hashes) override {
    return list_blobs_not_held(db_, workspace, hashes);
  }
  Result<std::optional<UtcMs>> snapshot_used(const std::string& workspace, const Hash& id) override {
    return find_snapshot_use(db_, workspace, id);
  }
  Result<std::vector<Hash>> snapshot_roots(UtcMs used_since_ms, const std::string& except) override {
    return list_snapshot_roots(db_, used_since_ms, except);
  }
  Status each_artifact_hash(const std::string& except, const std::function<void(const Hash&)>& visit) override {
    return visit_artifact_hashes(db_, except, visit);
  }
  Result<std::vector<Hash>> blobs_held_only_by(const std::string& workspace) override {
    return list_blobs_held_only_by(db_, workspace);
  }
  TargetReader& targets() override { return targets_; }
  DatastoreReader& datastores() override { return datastores_; }
  DatasetReader& datasets() override { return datasets_; }

 protected:
  Database& db_;
  SqliteTargets targets_;
  SqliteEnvironments environments_{db_};
  SqliteModels models_;
  SqliteDatastores datastores_{db_};
  SqliteDatasets datasets_{db_};
};

using SqliteReader = Reads<Reader>;

class SqliteTransaction final : public Reads<Transaction> {
 public:
  using Reads<Transaction>::Reads;
  ModelWriter& edit_models() override { return models_; }
  Status put_workspace(const Workspace& workspace) override;
  Status delete_workspace(const std::string& name) override;
  Result<Experiment> create_experiment(Experiment experiment) override;
  Status update_experiment(const Experiment& experiment) override;
  Result<Run> create_run(Run run, const RunSpec* spec, const GitFacts* git) override;
  Status update_run(Run& run) override;
  Status purge_run(const RunKey& key) override;
  Status put_attempt(const Attempt& attempt) override;
  Status put_artifact(const Artifact& artifact) override;
  Status delete_artifact(const RunKey& key, const std::string& path) override;
  Result<int64_t> append_event(RunEvent event) override;
  Status put_idempotency(const IdempotencyRecord& record) override;
  EnvironmentWriter& edit_environments() override { return environments_; }
  Status put_token(const TokenRecord& token) override;
  Status delete_token(const std::string& id) override;
  Status put_member(const MemberRecord& member) override;
  Status delete_member(const std::string& workspace, const std::string& user) override;
  Status put_secret(const SecretRecord& secret) override;
  Status delete_secret(const std::string& workspace, const std::string& name) override;
  Status put_setting(const std::string& name, const std::string& value) override;
  Result<int64_t> move_runs_of_experiment(int64_t experiment_id, LifecycleStage from, UtcMs from_ms, LifecycleStage to,
                                          UtcMs to_ms) override;
  Status hold_blobs(const std::string& workspace, const std::vector<Hash>& hashes) override;
  Status put_snapshot(const std::string& workspace, const Hash& id, UtcMs used_ms) override;
  Status forget_blobs(const std::vector<Hash>& hashes) override;
  Result<int64_t> forget_unused_snapshots(UtcMs used_before_ms) override;
  Result<int64_t> prune_events(UtcMs before_ms, int64_t limit) override;
  Result<int64_t> prune_idempotency(UtcMs before_ms, int64_t limit) override;
  TargetWriter& edit_targets() override { return targets_; }
  DatastoreWriter& edit_datastores() override { return datastores_; }
  DatasetWriter& edit_datasets() override { return datasets_; }

  const std::vector<RunEvent>& events() const { return events_; }  // appended in this transaction

 private:
  Result<int64_t> existing_run_row(const RunKey& key);
  Status refuse_other_active(const Experiment& experiment);
  Status put_labels(int64_t run_row, const Run& run, LabelKind kind, const TextMap& before, const TextMap& after);
  Status delete_run_row(int64_t run_row);
  Status deleted_one(std::string_view what);  // not_found where the last statement deleted nothing

  std::vector<RunEvent> events_;
};

}  // namespace werkbank::store::sqlite
