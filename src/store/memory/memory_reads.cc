#include <algorithm>
#include <tuple>

#include "store/cursor.hh"
#include "store/memory/memory_transaction.hh"

namespace werkbank::store::memory {
namespace {

template <typename Value>
std::optional<Value> copy_of(const Value* found) {
  return found == nullptr ? std::nullopt : std::optional<Value>(*found);
}

bool contains_all(const TextMap& map, const TextMap& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& entry) {
    const auto found = map.find(entry.first);
    return found != map.end() && (entry.second.empty() || found->second == entry.second);
  });
}

bool matches(const Run& run, const RunQuery& query) {
  const auto same = [](const std::optional<std::string>& wanted, const std::string& text) { return !wanted || *wanted == text; };
  const bool status = query.statuses.empty() || std::ranges::find(query.statuses, run.status) != query.statuses.end();
  return run.key.workspace == query.workspace && run.stage == query.stage && status &&
         (!query.experiment_id || *query.experiment_id == run.experiment_id) && same(query.parent_id, run.parent_id) &&
         same(query.root_id, run.root_id) && same(query.target, run.target) && same(query.run_type, run.run_type) &&
         same(query.created_by, run.created_by) && contains_all(run.tags, query.tags) &&
         contains_all(run.properties, query.properties);
}

RunSortKey sort_key(const StoredRun& stored) { return {stored.run.created_ms, stored.run.number, stored.serial}; }

}  // namespace

Run MemoryTransaction::with_experiment(const StoredRun& stored) const {
  Run run = stored.run;
  if (const Experiment* const experiment = tables_.experiments.find(run.experiment_id)) run.experiment = experiment->name;
  return run;
}

Result<std::optional<Workspace>> MemoryTransaction::workspace(const std::string& name) {
  return copy_of(tables_.workspaces.find(name));
}

Result<std::vector<Workspace>> MemoryTransaction::workspaces() {
  std::vector<Workspace> found;
  for (const auto& [name, workspace] : tables_.workspaces.rows()) found.push_back(workspace);
  return found;
}

Result<std::optional<Experiment>> MemoryTransaction::experiment(const std::string& workspace, const std::string& name) {
  std::optional<Experiment> found;
  for (const auto& [id, experiment] : tables_.experiments.rows()) {
    if (experiment.workspace != workspace || experiment.name != name) continue;
    if (experiment.stage == LifecycleStage::kActive) return experiment;
    found = experiment;  // rows come by id: the newest stays
  }
  return found;
}

Result<std::optional<Experiment>> MemoryTransaction::experiment_by_id(int64_t id) {
  return copy_of(tables_.experiments.find(id));
}

Result<Page<Experiment>> MemoryTransaction::experiments(const std::string& workspace, LifecycleStage stage, int64_t limit,
                                                        const std::string& cursor) {
  TRY(const int64_t count, check_limit(limit));
  TRY(const NameSortKey after, decode_name_cursor(cursor));
  std::vector<Experiment> found;
  for (const auto& [id, experiment] : tables_.experiments.rows()) {
    if (experiment.workspace == workspace && experiment.stage == stage && NameSortKey{experiment.name, id} > after)
      found.push_back(experiment);
  }
  std::ranges::sort(found, {}, [](const Experiment& experiment) { return std::tie(experiment.name, experiment.id); });
  return cut_page(std::move(found), count, [](const Experiment& last) { return encode_name_cursor({last.name, last.id}); });
}

Result<std::optional<Run>> MemoryTransaction::run(const RunKey& key) {
  const StoredRun* const found = tables_.runs.find(key);
  if (found == nullptr) return std::nullopt;
  return with_experiment(*found);
}

Result<Page<Run>> MemoryTransaction::runs(const RunQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const std::optional<RunSortKey> after, decode_run_cursor(query.cursor));
  RunQuery wanted = query;
  if (query.experiment) {
    TRY(const std::optional<Experiment> named, experiment(query.workspace, *query.experiment));
    if (!named || (query.experiment_id && *query.experiment_id != named->id)) return Page<Run>{};
    wanted.experiment_id = named->id;
  }
  std::vector<std::pair<RunSortKey, Run>> found;
  for (const auto& [key, stored] : tables_.runs.rows()) {
    const RunSortKey at = sort_key(stored);
    if (after && (query.oldest_first ? at <= *after : at >= *after)) continue;
    Run run = with_experiment(stored);
    if (matches(run, wanted)) found.emplace_back(at, std::move(run));
  }
  std::ranges::sort(found,
                    [&](const auto& a, const auto& b) { return query.oldest_first ? a.first < b.first : b.first < a.first; });
  Page<Run> page;
  const bool more = found.size() > static_cast<size_t>(limit);
  if (more) found.resize(static_cast<size_t>(limit));
  if (more) page.next = encode_run_cursor(found.back().first);
  for (auto& [key, run] : found) page.items.push_back(std::move(run));
  return page;
}

Result<std::vector<Run>> MemoryTransaction::unfinished_managed_runs() {
  std::vector<std::pair<RunSortKey, Run>> found;
  for (const auto& [key, stored] : tables_.runs.rows()) {
    if (stored.run.control != RunControl::kManaged || is_terminal(stored.run.status)) continue;
    found.emplace_back(sort_key(stored), with_experiment(stored));
  }
  std::ranges::sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<Run> runs;
  for (auto& [key, run] : found) runs.push_back(std::move(run));
  return runs;
}

Result<std::optional<RunSpec>> MemoryTransaction::run_spec(const RunKey& key) {
  const StoredRun* const found = tables_.runs.find(key);
  return found == nullptr ? std::nullopt : found->spec;
}

Result<std::optional<GitFacts>> MemoryTransaction::git_facts(const RunKey& key) {
  const StoredRun* const found = tables_.runs.find(key);
  return found == nullptr ? std::nullopt : found->git;
}

Result<std::vector<Attempt>> MemoryTransaction::attempts(const RunKey& key) {
  std::vector<Attempt> found;
  const auto& rows = tables_.attempts.rows();
  for (auto row = rows.lower_bound({key, INT64_MIN}); row != rows.end() && row->first.first == key; ++row)
    found.push_back(row->second);
  return found;
}

Result<std::optional<Artifact>> MemoryTransaction::artifact(const RunKey& key, const std::string& path) {
  return copy_of(tables_.artifacts.find({key, path}));
}

Result<std::vector<Artifact>> MemoryTransaction::artifacts(const RunKey& key, const std::string& prefix) {
  std::vector<Artifact> found;
  const auto& rows = tables_.artifacts.rows();
  for (auto row = rows.lower_bound({key, prefix}); row != rows.end() && row->first.first == key; ++row) {
    if (!row->first.second.starts_with(prefix)) break;
    found.push_back(row->second);
  }
  return found;
}

Result<std::vector<RunEvent>> MemoryTransaction::events_after(int64_t cursor, const std::string& workspace, int64_t limit) {
  std::vector<RunEvent> found;
  const auto& rows = tables_.events.rows();
  for (auto row = rows.upper_bound(cursor); row != rows.end() && static_cast<int64_t>(found.size()) < limit; ++row) {
    if (workspace.empty() || row->second.workspace == workspace) found.push_back(row->second);
  }
  return found;
}

Result<int64_t> MemoryTransaction::last_event_cursor() { return tables_.last_event; }

Result<std::optional<IdempotencyRecord>> MemoryTransaction::idempotency(const std::string& workspace, const std::string& key) {
  return copy_of(tables_.idempotency.find({workspace, key}));
}

Result<std::optional<TokenRecord>> MemoryTransaction::token_by_hash(const std::string& hash) {
  for (const auto& [id, token] : tables_.tokens.rows()) {
    if (token.hash == hash) return token;
  }
  return std::nullopt;
}

Result<std::vector<TokenRecord>> MemoryTransaction::tokens() {
  std::vector<TokenRecord> found;
  for (const auto& [id, token] : tables_.tokens.rows()) found.push_back(token);
  std::ranges::sort(found, {}, [](const TokenRecord& token) { return std::tie(token.created_ms, token.id); });
  return found;
}

Result<std::optional<MemberRecord>> MemoryTransaction::member(const std::string& workspace, const std::string& user) {
  return copy_of(tables_.members.find({workspace, user}));
}

Result<std::vector<MemberRecord>> MemoryTransaction::members(const std::string& workspace) {
  std::vector<MemberRecord> found;
  for (const auto& [key, member] : tables_.members.rows()) {
    if (key.first == workspace) found.push_back(member);
  }
  return found;
}

Result<std::optional<SecretRecord>> MemoryTransaction::secret(const std::string& workspace, const std::string& name) {
  return copy_of(tables_.secrets.find({workspace, name}));
}

Result<std::vector<SecretRecord>> MemoryTransaction::secrets(const std::string& workspace) {
  std::vector<SecretRecord> found;
  for (const auto& [key, secret] : tables_.secrets.rows()) {
    if (key.first == workspace) found.push_back(secret);
  }
  return found;
}

Result<std::optional<std::string>> MemoryTransaction::setting(const std::string& name) {
  return copy_of(tables_.settings.find(name));
}

}  // namespace werkbank::store::memory
