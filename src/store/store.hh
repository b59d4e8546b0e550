// The records of Werkbank: workspaces, experiments, runs, attempts, artifacts, environments, tokens, secrets, events. Nouns with
// an accessor have an interface of their own (models.hh).
//
// Contract (tests/contract/store.cc runs it against every implementation):
// * read() sees one consistent state. write() is serializable; it is acknowledged only when it is durable (fsync), and many
//   concurrent writes share one fsync (group commit). A write that answers an error has changed nothing.
// * The function given to write() may run on another thread and may run again after a conflict: it must not touch anything else.
// * Ids and cursors come from the store. Nothing above may assume one process, or a row id.
// * Thread-safe. Failures: disk_full, io_failed, store_corrupt, store_busy; unavailable after close().
// * One experiment of a name is active. Others that had it are archived or deleted, and keep their runs: experiment() answers the
//   active one, or else the newest.
// * A workspace has the content that was brought to it: blobs it proved to hold, and snapshots whose blobs it holds.
// * An experiment needs its workspace (workspace_not_found), a run its experiment (experiment_not_found), and what hangs on a run
//   the run (run_not_found). delete_* answers not_found where there is nothing to delete.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.hh"
#include "base/task.hh"
#include "domain/roles.hh"
#include "domain/run.hh"

namespace werkbank::store {

using werkbank::Role;
class EnvironmentReader;  // store/environments.hh
class EnvironmentWriter;

class DatastoreReader;  // store/datastores.hh
class DatastoreWriter;
class DatasetReader;  // store/datasets.hh
class DatasetWriter;

// A page of a listing. `next` is an opaque cursor, empty at the end.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;
};

struct RunQuery {
  std::string workspace;
  std::optional<std::string> experiment;  // by name, as Reader::experiment() finds it
  std::optional<int64_t> experiment_id;
  std::optional<std::string> parent_id;
  std::optional<std::string> root_id;
  std::vector<RunStatus> statuses;  // empty: all
  TextMap tags;                     // all must match; an empty value matches any
  TextMap properties;
  std::optional<std::string> target;
  std::optional<std::string> run_type;
  std::optional<std::string> created_by;
  LifecycleStage stage = LifecycleStage::kActive;
  bool oldest_first = false;  // by created_ms, then number
  int64_t limit = 50;         // 1 … 1000
  std::string cursor;
};

// An idempotency key's record: same key, same request hash → the stored answer; another request → idempotency_conflict.
struct IdempotencyRecord {
  std::string workspace, key, request_hash, answer;
  UtcMs created_ms = 0;
};

// A login token; the text itself is never stored, only its hash.
struct TokenRecord {
  std::string id;    // public handle
  std::string hash;  // hex BLAKE2b of the token text
  std::string user;
  std::string workspace;  // "*": all
  Role role = Role::kReader;
  std::string description;
  UtcMs created_ms = 0, expires_ms = 0;  // 0: never
};

struct MemberRecord {
  std::string workspace, user;
  Role role = Role::kReader;
};

// Sealed by access/vault before it gets here.
struct SecretRecord {
  std::string workspace, name, sealed;
  UtcMs created_ms = 0;
};

class TargetReader;
class TargetWriter;
class ModelReader;  // store/models.hh
class ModelWriter;

class Reader {
 public:
  virtual ~Reader() = default;
  virtual ModelReader& models() = 0;
  virtual Result<std::optional<Workspace>> workspace(const std::string& name) = 0;
  virtual Result<std::vector<Workspace>> workspaces() = 0;
  virtual Result<std::optional<Experiment>> experiment(const std::string& workspace, const std::string& name) = 0;
  virtual Result<std::optional<Experiment>> experiment_by_id(int64_t id) = 0;
  virtual Result<Page<Experiment>> experiments(const std::string& workspace, LifecycleStage stage, int64_t limit,
                                               const std::string& cursor) = 0;
  virtual Result<std::optional<Run>> run(const RunKey& key) = 0;
  virtual Result<Page<Run>> runs(const RunQuery& query) = 0;
  virtual Result<std::vector<Run>> unfinished_managed_runs() = 0;  // of all workspaces, oldest first: the lifecycle's work list
  virtual Result<std::optional<RunSpec>> run_spec(const RunKey& key) = 0;
  virtual Result<std::optional<GitFacts>> git_facts(const RunKey& key) = 0;
  virtual Result<std::vector<Attempt>> attempts(const RunKey& key) = 0;  // by number
  virtual Result<std::optional<Artifact>> artifact(const RunKey& key, const std::string& path) = 0;
  virtual Result<std::vector<Artifact>> artifacts(const RunKey& key, const std::string& prefix) = 0;  // by path
  virtual Result<std::vector<RunEvent>> events_after(int64_t cursor, const std::string& workspace,
                                                     int64_t limit) = 0;  // workspace "": all
  virtual Result<int64_t> last_event_cursor() = 0;
  virtual Result<std::optional<IdempotencyRecord>> idempotency(const std::string& workspace, const std::string& key) = 0;
  virtual EnvironmentReader& environments() = 0;  // lives as long as this
  virtual Result<std::optional<TokenRecord>> token_by_hash(const std::string& hash) = 0;
  virtual Result<std::vector<TokenRecord>> tokens() = 0;
  virtual Result<std::optional<MemberRecord>> member(const std::string& workspace, const std::string& user) = 0;
  virtual Result<std::vector<MemberRecord>> members(const std::string& workspace) = 0;
  virtual Result<std::optional<SecretRecord>> secret(const std::string& workspace, const std::string& name) = 0;
  virtual Result<std::vector<SecretRecord>> secrets(const std::string& workspace) = 0;
  virtual Result<std::optional<std::string>> setting(const std::string& name) = 0;  // small installation facts: keys, instance id
  virtual Result<std::vector<Hash>> blobs_not_held(const std::string& workspace, const std::vector<Hash>& hashes) = 0;
  virtual Result<std::vector<Hash>> blobs_held_only_by(const std::string& workspace) = 0;
  virtual Result<std::optional<UtcMs>> snapshot_used(const std::string& workspace, const Hash& id) = 0;  // when it was last put
  // The roots of garbage collection, of all workspaces but `except` ("": of all): snapshots that a run names or that were put
  // since, and the hashes of runs' files. May repeat some.
  virtual Result<std::vector<Hash>> snapshot_roots(UtcMs used_since_ms, const std::string& except) = 0;
  virtual Status each_artifact_hash(const std::string& except, const std::function<void(const Hash&)>& visit) = 0;
  virtual TargetReader& targets() = 0;        // store/targets.hh
  virtual DatastoreReader& datastores() = 0;  // store/datastores.hh
  virtual DatasetReader& datasets() = 0;      // store/datasets.hh
};

class Transaction : public Reader {
 public:
  virtual ModelWriter& edit_models() = 0;
  virtual Status put_workspace(const Workspace& workspace) = 0;             // inserts or replaces
  virtual Status delete_workspace(const std::string& name) = 0;             // and all that belongs to it; workspace_not_found
  virtual Result<Experiment> create_experiment(Experiment experiment) = 0;  // gives the id; already_exists
  virtual Status update_experiment(const Experiment& experiment) = 0;  // already_exists where another one of the name is active
  // The runs of an experiment that are in stage `from` since `from_ms` (0 for active ones) go to stage `to`; answers how many.
  virtual Result<int64_t> move_runs_of_experiment(int64_t experiment_id, LifecycleStage from, UtcMs from_ms, LifecycleStage to,
                                                  UtcMs to_ms) = 0;
  virtual Result<Run> create_run(Run run, const RunSpec* spec,
                                 const GitFacts* git) = 0;  // gives number and revision 1; already_exists
  virtual Status update_run(Run& run) = 0;  // the whole value incl. tags/properties/params; gives the new revision; run_not_found
  virtual Status purge_run(const RunKey& key) = 0;  // the row and everything that belongs to it but its events; run_not_found
  virtual Status put_attempt(const Attempt& attempt) = 0;
  virtual Status put_artifact(const Artifact& artifact) = 0;
  virtual Status delete_artifact(const RunKey& key, const std::string& path) = 0;
  virtual Result<int64_t> append_event(RunEvent event) = 0;             // gives its cursor
  virtual Status put_idempotency(const IdempotencyRecord& record) = 0;  // the first answer stays; idempotency_conflict
  virtual EnvironmentWriter& edit_environments() = 0;
  virtual Status put_token(const TokenRecord& token) = 0;
  virtual Status delete_token(const std::string& id) = 0;
  virtual Status put_member(const MemberRecord& member) = 0;
  virtual Status delete_member(const std::string& workspace, const std::string& user) = 0;
  virtual Status put_secret(const SecretRecord& secret) = 0;
  virtual Status delete_secret(const std::string& workspace, const std::string& name) = 0;
  virtual Status put_setting(const std::string& name, const std::string& value) = 0;  // an empty value takes it away
  virtual Status hold_blobs(const std::string& workspace, const std::vector<Hash>& hashes) = 0;
  virtual Status put_snapshot(const std::string& workspace, const Hash& id, UtcMs used_ms) = 0;  // again: is used again
  virtual Status forget_blobs(const std::vector<Hash>& hashes) = 0;                              // no workspace holds them
  // Forgets snapshots that no run names and that were last put before `used_before_ms`; answers how many.
  virtual Result<int64_t> forget_unused_snapshots(UtcMs used_before_ms) = 0;
  // The oldest `limit` events (keys) are looked at; those from before `before_ms` go. Answers how many.
  virtual Result<int64_t> prune_events(UtcMs before_ms, int64_t limit) = 0;
  virtual Result<int64_t> prune_idempotency(UtcMs before_ms, int64_t limit) = 0;
  virtual TargetWriter& edit_targets() = 0;
  virtual DatastoreWriter& edit_datastores() = 0;
  virtual DatasetWriter& edit_datasets() = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  // Runs on the calling thread and must be short (no I/O of its own).
  virtual Status read(const std::function<Status(Reader&)>& action) = 0;
  // Queued to the writer; the awaiting coroutine goes on when the group of writes it was in is durable.
  virtual Task<Status> write(std::function<Status(Transaction&)> action) = 0;
  // Called on the writer's thread after a durable write that appended events, with these. Set once, before use.
  virtual void on_events(std::function<void(const std::vector<RunEvent>&)> listener) = 0;
  // Writes a consistent copy while in use (sqlite: VACUUM INTO). For `backup`.
  virtual Status copy_to(const std::string& path) = 0;
  // What was deleted is no longer in the files. Blocks for a while; nothing else waits for it.
  virtual Status scrub() = 0;
  virtual void close() = 0;
};

// read() that answers a value.
template <typename T>
Result<T> read(Store& store, const std::function<Result<T>(Reader&)>& action) {
  std::optional<T> value;
  CHECK_OK(store.read([&](Reader& reader) -> Status {
    TRY(T found, action(reader));
    value.emplace(std::move(found));
    return {};
  }));
  return std::move(*value);
}

// write() that answers a value.
template <typename T>
Task<Result<T>> write(Store& store, std::function<Result<T>(Transaction&)> action) {
  auto value = std::make_shared<std::optional<T>>();  // shared: the action may be run again, and outlives this frame's arguments
  std::function<Status(Transaction&)> call = [value, action](Transaction& transaction) -> Status {
    TRY(T found, action(transaction));
    value->emplace(std::move(found));
    return {};
  };
  Status status = co_await store.write(std::move(call));
  if (!status) co_return fail(std::move(status).error());
  co_return std::move(**value);
}

}  // namespace werkbank::store
