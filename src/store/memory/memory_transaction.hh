// Reader and Transaction over the memory store's tables. The store holds its lock around them.
#pragma once

#include "store/memory/memory_datasets.hh"
#include "store/memory/memory_datastores.hh"
#include "store/memory/memory_environments.hh"
#include "store/memory/memory_models.hh"
#include "store/memory/memory_tables.hh"
#include "store/memory/memory_targets.hh"
#include "store/store.hh"

namespace werkbank::store::memory {

// A Transaction serves as Reader, too.
class MemoryTransaction final : public Transaction {
 public:
  MemoryTransaction(Tables& tables, Undo& undo) : tables_(tables), undo_(undo), targets_(tables, undo), models_(tables, undo) {}

  ModelReader& models() override { return models_; }
  ModelWriter& edit_models() override { return models_; }
  Result<std::optional<Workspace>> workspace(const std::string& name) override;
  Result<std::vector<Workspace>> workspaces() override;
  Result<std::optional<Experiment>> experiment(const std::string& workspace, const std::string& name) override;
  Result<std::optional<Experiment>> experiment_by_id(int64_t id) override;
  Result<Page<Experiment>> experiments(const std::string& workspace, LifecycleStage stage, int64_t limit,
                                       const std::string& cursor) override;
  Result<std::optional<Run>> run(const RunKey& key) override;
  Result<Page<Run>> runs(const RunQuery& query) override;
  Result<std::vector<Run>> unfinished_managed_runs() override;
  Result<std::optional<RunSpec>> run_spec(const RunKey& key) override;
  Result<std::optional<GitFacts>> git_facts(const RunKey& key) override;
  Result<std::vector<Attempt>> attempts(const RunKey& key) override;
  Result<std::optional<Artifact>> artifact(const RunKey& key, const std::string& path) override;
  Result<std::vector<Artifact>> artifacts(const RunKey& key, const std::string& prefix) override;
  Result<std::vector<RunEvent>> events_after(int64_t cursor, const std::string& workspace, int64_t limit) override;
  Result<int64_t> last_event_cursor() override;
  Result<std::optional<IdempotencyRecord>> idempotency(const std::string& workspace, const std::string& key) override;
  EnvironmentReader& environments() override { return environments_; }
  Result<std::optional<TokenRecord>> token_by_hash(const std::string& hash) override;
  Result<std::vector<TokenRecord>> tokens() override;
  Result<std::optional<MemberRecord>> member(const std::string& workspace, const std::string& user) override;
  Result<std::vector<MemberRecord>> members(const std::string& workspace) override;
  Result<std::optional<SecretRecord>> secret(const std::string& workspace, const std::string& name) override;
  Result<std::vector<SecretRecord>> secrets(const std::string& workspace) override;
  Result<std::optional<std::string>> setting(const std::string& name) override;
  Result<std::vector<Hash>> blobs_not_held(const std::string& workspace, const std::vector<Hash>& hashes) override;
  Result<std::optional<UtcMs>> snapshot_used(const std::string& workspace, const Hash& id) override;
  Result<std::vector<Hash>> snapshot_roots(UtcMs used_since_ms, const std::string& except) override;
  Status each_artifact_hash(const std::string& except, const std::function<void(const Hash&)>& visit) override;
  Result<std::vector<Hash>> blobs_held_only_by(const std::string& workspace) override;
  TargetReader& targets() override { return targets_; }
  DatastoreReader& datastores() override { return datastores_; }
  DatasetReader& datasets() override { return datasets_; }

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
  Run with_experiment(const StoredRun& stored) const;
  Result<StoredRun> existing_run(const RunKey& key) const;
  void erase_run(const RunKey& key);
  Status refuse_other_active(const Experiment& wanted);

  Tables& tables_;
  Undo& undo_;
  MemoryTargets targets_;
  MemoryEnvironments environments_{tables_, undo_};
  MemoryModels models_;
  std::vector<RunEvent> events_;
  MemoryDatastores datastores_{tables_, undo_};
  MemoryDatasets datasets_{tables_, undo_};
};

}  // namespace werkbank::store::memory
