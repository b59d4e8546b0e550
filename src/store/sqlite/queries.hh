// Everything the store reads, as functions on a connection: shared by readers and transactions.
// What each answers is said in store/store.hh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/database.hh"
#include "store/store.hh"

namespace werkbank::store::sqlite {

// -- queries.cc
Result<std::optional<Workspace>> find_workspace(Database& db, const std::string& name);
Result<std::vector<Workspace>> list_workspaces(Database& db);
Result<std::optional<Experiment>> find_experiment(Database& db, const std::string& workspace, const std::string& name);
Result<std::optional<Experiment>> find_experiment_by_id(Database& db, int64_t id);
Result<Page<Experiment>> list_experiments(Database& db, const std::string& workspace, LifecycleStage stage, int64_t limit,
                                          const std::string& cursor);
Result<std::vector<RunEvent>> list_events(Database& db, int64_t cursor, const std::string& workspace, int64_t limit);
Result<int64_t> find_last_event_cursor(Database& db);
Result<std::optional<IdempotencyRecord>> find_idempotency(Database& db, const std::string& workspace, const std::string& key);
Result<std::optional<TokenRecord>> find_token_by_hash(Database& db, const std::string& hash);
Result<std::vector<TokenRecord>> list_tokens(Database& db);
Result<std::optional<MemberRecord>> find_member(Database& db, const std::string& workspace, const std::string& user);
Result<std::vector<MemberRecord>> list_members(Database& db, const std::string& workspace);
Result<std::optional<SecretRecord>> find_secret(Database& db, const std::string& workspace, const std::string& name);
Result<std::vector<SecretRecord>> list_secrets(Database& db, const std::string& workspace);
Result<std::optional<std::string>> find_setting(Database& db, const std::string& name);

// -- content_queries.cc
Result<std::vector<Hash>> list_blobs_not_held(Database& db, const std::string& workspace, const std::vector<Hash>& hashes);
Result<std::optional<UtcMs>> find_snapshot_use(Database& db, const std::string& workspace, const Hash& id);
Result<std::vector<Hash>> list_snapshot_roots(Database& db, UtcMs used_since_ms, const std::string& except);
Status visit_artifact_hashes(Database& db, const std::string& except, const std::function<void(const Hash&)>& visit);
Result<std::vector<Hash>> list_blobs_held_only_by(Database& db, const std::string& workspace);

// -- run_queries.cc
Result<std::optional<int64_t>> find_run_row(Database& db, const RunKey& key);  // the row's number, the key of the side tables
Result<std::optional<Run>> find_run(Database& db, const RunKey& key);
Result<Page<Run>> list_runs(Database& db, const RunQuery& query);
Result<std::vector<Run>> list_unfinished_managed_runs(Database& db);
Result<std::optional<RunSpec>> find_run_spec(Database& db, const RunKey& key);
Result<std::optional<GitFacts>> find_git_facts(Database& db, const RunKey& key);
Result<std::vector<Attempt>> list_attempts(Database& db, const RunKey& key);
Result<std::optional<Artifact>> find_artifact(Database& db, const RunKey& key, const std::string& path);
Result<std::vector<Artifact>> list_artifacts(Database& db, const RunKey& key, const std::string& prefix);

inline constexpr size_t kValueStartBytes = 64;  // labels.value_start
enum class LabelKind { kTag = 0, kProperty = 1, kParam = 2 };
Status load_labels(Database& db, int64_t run_row, Run& run);  // adds tags, properties and params

// -- records.cc: how values are stored
json::value parse_stored(std::string_view text);  // null where the text is not JSON
std::string stored_map(const TextMap& map);
TextMap map_from_stored(std::string_view text);
std::string stored_texts(const std::vector<std::string>& texts);
std::vector<std::string> texts_from_stored(std::string_view text);
std::string stored_rank_ends(const std::map<int64_t, RunEnd>& ends);
Result<std::map<int64_t, RunEnd>> rank_ends_from_stored(std::string_view text);
std::string stored_end(const RunEnd& end);  // "" where the run has not ended
Result<RunEnd> end_from_stored(std::string_view text);
int stored(LifecycleStage stage);
LifecycleStage stage_from_stored(int64_t number);
int stored(Role role);
Role role_from_stored(int64_t number);
int stored(RunControl control);
RunControl control_from_stored(int64_t number);

}  // namespace werkbank::store::sqlite
