// Which workspace has which content, and what is too old to keep.
#include <algorithm>
#include <set>

#include "store/memory/memory_transaction.hh"

namespace werkbank::store::memory {

Result<std::vector<Hash>> MemoryTransaction::blobs_not_held(const std::string& workspace, const std::vector<Hash>& hashes) {
  std::vector<Hash> missing;
  for (const Hash& hash : hashes) {
    if (tables_.held_blobs.find({hash, workspace}) == nullptr) missing.push_back(hash);
  }
  return missing;
}

Result<std::optional<UtcMs>> MemoryTransaction::snapshot_used(const std::string& workspace, const Hash& id) {
  const UtcMs* const used = tables_.snapshots.find({workspace, id});
  return used == nullptr ? std::nullopt : std::optional<UtcMs>(*used);
}

Result<std::vector<Hash>> MemoryTransaction::snapshot_roots(UtcMs used_since_ms, const std::string& except) {
  std::vector<Hash> ids;
  for (const auto& [key, used_ms] : tables_.snapshots.rows()) {
    if (key.first != except && used_ms >= used_since_ms) ids.push_back(key.second);
  }
  for (const auto& [key, stored] : tables_.runs.rows()) {
    const auto snapshot = stored.run.properties.find("ContentSnapshotId");
    if (key.workspace == except || snapshot == stored.run.properties.end()) continue;
    if (const Result<Hash> id = Hash::parse(snapshot->second)) ids.push_back(*id);
  }
  return ids;
}

Status MemoryTransaction::each_artifact_hash(const std::string& except, const std::function<void(const Hash&)>& visit) {
  for (const auto& [key, artifact] : tables_.artifacts.rows()) {
    if (key.first.workspace == except) continue;
    if (const Result<Hash> hash = Hash::parse(artifact.hash)) visit(*hash);
  }
  return {};
}

Result<std::vector<Hash>> MemoryTransaction::blobs_held_only_by(const std::string& workspace) {
  std::map<Hash, std::set<std::string>> holders;
  for (const auto& [key, held] : tables_.held_blobs.rows()) holders[key.first].insert(key.second);
  std::vector<Hash> found;
  for (const auto& [hash, names] : holders) {
    if (names == std::set<std::string>{workspace}) found.push_back(hash);
  }
  return found;
}

Status MemoryTransaction::hold_blobs(const std::string& workspace, const std::vector<Hash>& hashes) {
  for (const Hash& hash : hashes) tables_.held_blobs.put(undo_, {hash, workspace}, true);
  return {};
}

Status MemoryTransaction::put_snapshot(const std::string& workspace, const Hash& id, UtcMs used_ms) {
  tables_.snapshots.put(undo_, {workspace, id}, used_ms);
  return {};
}

Status MemoryTransaction::forget_blobs(const std::vector<Hash>& hashes) {
  const std::set<Hash> gone(hashes.begin(), hashes.end());
  tables_.held_blobs.erase_where(undo_, [&](const auto& key, bool) { return gone.contains(key.first); });
  return {};
}

Result<int64_t> MemoryTransaction::forget_unused_snapshots(UtcMs used_before_ms) {
  std::set<std::pair<std::string, std::string>> named;
  for (const auto& [key, stored] : tables_.runs.rows()) {
    const auto snapshot = stored.run.properties.find("ContentSnapshotId");
    if (snapshot != stored.run.properties.end()) named.emplace(key.workspace, snapshot->second);
  }
  const size_t before = tables_.snapshots.rows().size();
  tables_.snapshots.erase_where(undo_, [&](const auto& key, UtcMs used_ms) {
    return used_ms < used_before_ms && !named.contains({key.first, key.second.hex()});
  });
  return static_cast<int64_t>(before - tables_.snapshots.rows().size());
}

Result<int64_t> MemoryTransaction::prune_events(UtcMs before_ms, int64_t limit) {
  std::vector<int64_t> old;
  for (const auto& [cursor, event] : tables_.events.rows()) {
    if (limit-- <= 0) break;
    if (event.at_ms < before_ms) old.push_back(cursor);
  }
  for (const int64_t cursor : old) tables_.events.erase(undo_, cursor);
  return static_cast<int64_t>(old.size());
}

Result<int64_t> MemoryTransaction::prune_idempotency(UtcMs before_ms, int64_t limit) {
  std::vector<std::pair<UtcMs, Names>> old;
  for (const auto& [key, record] : tables_.idempotency.rows()) {
    if (record.created_ms < before_ms) old.emplace_back(record.created_ms, key);
  }
  std::ranges::sort(old);
  if (old.size() > static_cast<size_t>(limit)) old.resize(static_cast<size_t>(limit));
  for (const auto& [created_ms, key] : old) tables_.idempotency.erase(undo_, key);
  return static_cast<int64_t>(old.size());
}

Result<int64_t> MemoryTransaction::move_runs_of_experiment(int64_t experiment_id, LifecycleStage from, UtcMs from_ms,
                                                           LifecycleStage to, UtcMs to_ms) {
  std::vector<StoredRun> moved;
  for (const auto& [key, stored] : tables_.runs.rows()) {
    const Run& run = stored.run;
    if (run.experiment_id == experiment_id && run.stage == from && run.deleted_ms == from_ms) moved.push_back(stored);
  }
  for (StoredRun& stored : moved) {
    stored.run.stage = to;
    stored.run.deleted_ms = to_ms;
    stored.run.revision += 1;
    const RunKey key = stored.run.key;
    tables_.runs.put(undo_, key, std::move(stored));
  }
  return static_cast<int64_t>(moved.size());
}

}  // namespace werkbank::store::memory
