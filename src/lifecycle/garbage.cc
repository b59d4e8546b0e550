#include "lifecycle/garbage.hh"

#include <algorithm>

#include "base/log.hh"
#include "content/snapshot_store.hh"
#include "store/datasets.hh"
#include "store/models.hh"

namespace werkbank::lifecycle {
namespace {

constexpr int64_t kAtOnce = 5'000;  // rows a write may delete: others wait for it

struct Trash {
  std::vector<RunKey> runs;
  uint64_t log_bytes = 0;
};

Result<Trash> look_into_trash(Services& services) {
  Trash trash;
  const std::function<Result<std::vector<RunKey>>(store::Reader&)> find =
      [](store::Reader& reader) -> Result<std::vector<RunKey>> {
    TRY(const std::vector<Workspace> workspaces, reader.workspaces());
    std::vector<RunKey> keys;
    for (const Workspace& workspace : workspaces) {
      TRY(const std::vector<Run> runs, all_runs(reader, workspace.name, LifecycleStage::kDeleted));
      for (const Run& run : runs) keys.push_back(run.key);
    }
    return keys;
  };
  TRY(trash.runs, store::read<std::vector<RunKey>>(services.store, find));
  for (const RunKey& key : trash.runs) {
    TRY(const uint64_t bytes, log_bytes_of(services, key));
    trash.log_bytes += bytes;
  }
  return trash;
}

// One by one: a run that was taken out of the trash meanwhile stays. The data goes before the record, so that a crash in between
// leaves a run for the next collection, and no data that a later run of this id would find.
Task<Result<bool>> purge(Services& services, RunKey key) {
  std::function<Result<bool>(store::Transaction&)> apply = [key](store::Transaction& transaction) -> Result<bool> {
    TRY(auto run, transaction.run(key));
    if (!run || run->stage != LifecycleStage::kDeleted) return false;
    if (run->deleted_ms == 0) return true;
    run->deleted_ms = 0;  // it cannot be taken out of the trash any more
    CHECK_OK(transaction.update_run(*run));
    return true;
  };
  CO_TRY(const bool in_trash, co_await store::write<bool>(services.store, std::move(apply)));
  if (!in_trash) co_return false;
  const auto remove = [&services, &key] { return remove_run_data(services, key); };
  CO_CHECK_OK(co_await services.builders.run(remove));
  std::function<Result<bool>(store::Transaction&)> forget = [key](store::Transaction& transaction) -> Result<bool> {
    TRY(const auto run, transaction.run(key));
    if (!run) return false;  // its workspace was deleted meanwhile
    CHECK_OK(transaction.purge_run(key));
    return true;
  };
  co_return co_await store::write<bool>(services.store, std::move(forget));
}

using Prune = Result<int64_t> (store::Transaction::*)(UtcMs, int64_t);

Task<Result<int64_t>> prune(Services& services, Prune what, UtcMs before_ms) {
  int64_t total = 0;
  for (int64_t count = kAtOnce; count == kAtOnce && !services.is_stopping(); total += count) {
    std::function<Result<int64_t>(store::Transaction&)> apply = [what, before_ms](store::Transaction& transaction) {
      return (transaction.*what)(before_ms, kAtOnce);
    };
    CO_TRY(count, co_await store::write<int64_t>(services.store, std::move(apply)));
  }
  co_return total;
}

Task<Status> forget_blobs(Services& services, std::vector<Hash> hashes) {
  for (size_t i = 0; i < hashes.size(); i += kAtOnce) {
    const size_t end = std::min(hashes.size(), i + kAtOnce);
    const std::vector<Hash> some(hashes.begin() + static_cast<std::ptrdiff_t>(i),
                                 hashes.begin() + static_cast<std::ptrdiff_t>(end));
    std::function<Status(store::Transaction&)> apply = [some](store::Transaction& transaction) {
      return transaction.forget_blobs(some);
    };
    CO_CHECK_OK(co_await services.store.write(std::move(apply)));
  }
  co_return Status{};
}

Result<content::FreedBlobs> collect_blobs(Services& services, const GarbageRules& rules, UtcMs used_since_ms) {
  TRY(const std::vector<Hash> reachable, reachable_blobs(services, used_since_ms, ""));
  // Where the server stops everything counts as reachable: the walk ends soon, and the next one frees the rest.
  const auto is_reachable = [&](const Hash& hash) {
    return services.is_stopping() || std::ranges::binary_search(reachable, hash);
  };
  return services.blobs.collect(is_reachable, rules.blob_grace_ms, rules.dry_run);
}

}  // namespace

Result<std::vector<Run>> all_runs(store::Reader& reader, const std::string& workspace, std::optional<LifecycleStage> stage) {
  std::vector<Run> runs;
  for (const LifecycleStage each : {LifecycleStage::kActive, LifecycleStage::kArchived, LifecycleStage::kDeleted}) {
    if (stage && *stage != each) continue;
    store::RunQuery query;
    query.workspace = workspace;
    query.stage = each;
    query.limit = 1000;
    do {
      TRY(auto page, reader.runs(query));
      std::ranges::move(page.items, std::back_inserter(runs));
      query.cursor = page.next;
    } while (!query.cursor.empty());
  }
  return runs;
}

Status remove_run_data(Services& services, const RunKey& key) {
  CHECK_OK(services.logs.remove_run(key));
  return services.series.remove_run(key);
}

Result<uint64_t> log_bytes_of(Services& services, const RunKey& key) {
  TRY(const std::vector<content::LogInfo> logs, services.logs.list(key));
  uint64_t bytes = 0;
  for (const content::LogInfo& log : logs) bytes += log.size_bytes;
  return bytes;
}

Result<std::vector<Hash>> reachable_blobs(Services& services, UtcMs snapshots_used_since_ms, const std::string& except) {
  std::vector<Hash> snapshots;
  std::vector<Hash> reachable;
  CHECK_OK(services.store.read([&](store::Reader& reader) -> Status {
    TRY(snapshots, reader.snapshot_roots(snapshots_used_since_ms, except));
    TRY(const std::vector<Hash> models, reader.models().content_roots(except));
    snapshots.insert(snapshots.end(), models.begin(), models.end());
    TRY(reachable, reader.datasets().content_roots(except));
    return reader.each_artifact_hash(except, [&](const Hash& hash) { reachable.push_back(hash); });
  }));
  const auto tidy = [](std::vector<Hash>& hashes) {
    std::ranges::sort(hashes);
    const auto repeated = std::ranges::unique(hashes);
    hashes.erase(repeated.begin(), repeated.end());
  };
  tidy(snapshots);
  size_t grown_from = 0;
  for (const Hash& id : snapshots) {
    const Result<SnapshotManifest> manifest = content::get_manifest(services.blobs, id);
    if (!manifest && manifest.error().code == &errors::snapshot_not_found) continue;
    CHECK_OK(manifest);  // damaged: what it names cannot be known, so nothing is freed
    reachable.push_back(id);
    for (const SnapshotEntry& entry : manifest->entries) reachable.push_back(entry.hash);
    // Snapshots of one folder share most files: the list stays as long as there are different ones.
    if (reachable.size() > 2 * grown_from + 1'000'000) {
      tidy(reachable);
      grown_from = reachable.size();
    }
  }
  tidy(reachable);
  return reachable;
}

Task<Result<Garbage>> collect_garbage(Services& services, Holdings& holdings, GarbageRules rules) {
  Garbage garbage;
  const UtcMs now = services.clock.utc_now_ms();
  if (rules.empty_trash) {
    const auto look = [&services] { return look_into_trash(services); };
    CO_TRY(const Trash trash, co_await services.builders.run(look));
    garbage.log_bytes = trash.log_bytes;
    if (rules.dry_run) garbage.runs = static_cast<int64_t>(trash.runs.size());
    for (size_t i = 0; !rules.dry_run && i < trash.runs.size() && !services.is_stopping(); ++i) {
      RunKey key = trash.runs[i];
      CO_TRY(const bool purged, co_await purge(services, std::move(key)));
      garbage.runs += purged ? 1 : 0;
    }
  }
  const UtcMs used_since = now - rules.snapshot_grace_ms;
  if (!rules.dry_run) {
    // In one transaction with the question whether a run names it: a submission comes before, and keeps it, or after, and is
    // told.
    std::function<Result<int64_t>(store::Transaction&)> forget = [used_since](store::Transaction& transaction) {
      return transaction.forget_unused_snapshots(used_since);
    };
    CO_TRY(garbage.snapshots, co_await store::write<int64_t>(services.store, std::move(forget)));
  }
  const auto collect = [&services, &rules, used_since] { return collect_blobs(services, rules, used_since); };
  CO_TRY(const content::FreedBlobs freed, co_await services.builders.run(collect));
  garbage.blobs = static_cast<int64_t>(freed.hashes.size());
  garbage.blob_bytes = freed.size_bytes;
  if (rules.dry_run) co_return garbage;
  std::vector<Hash> gone = freed.hashes;
  CO_CHECK_OK(co_await forget_blobs(services, std::move(gone)));
  if (!freed.hashes.empty()) holdings.forget_blobs(freed.hashes);
  CO_TRY(garbage.events, co_await prune(services, &store::Transaction::prune_events, now - rules.event_age_ms));
  CO_TRY(garbage.idempotency_keys, co_await prune(services, &store::Transaction::prune_idempotency, now - rules.key_age_ms));
  log_info("garbage collected blobs={} bytes={} snapshots={} runs={} events={}", garbage.blobs, garbage.blob_bytes,
           garbage.snapshots, garbage.runs, garbage.events);
  co_return garbage;
}

}  // namespace werkbank::lifecycle
