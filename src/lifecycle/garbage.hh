// What nobody needs any more: blobs that no run, no model and no snapshot in use names, old events, old idempotency keys, and on
// request the runs in the trash.
#pragma once

#include <set>

#include "lifecycle/holdings.hh"
#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct GarbageRules {
  bool dry_run = false;      // only count
  bool empty_trash = false;  // deleted runs, too, with their logs, metrics and files
  int64_t blob_grace_ms = content::kGraceMs;
  int64_t snapshot_grace_ms = 24 * 3600 * 1000LL;
  int64_t event_age_ms = 30LL * 24 * 3600 * 1000;
  int64_t key_age_ms = 7LL * 24 * 3600 * 1000;
};

struct Garbage {
  int64_t runs = 0, snapshots = 0, blobs = 0, events = 0, idempotency_keys = 0;  // events and keys: 0 with dry_run
  uint64_t blob_bytes = 0, log_bytes = 0;                                        // log_bytes: of the runs in the trash
};

// Safe while runs write. Begins and ends on any thread; what takes long is done on the builders.
Task<Result<Garbage>> collect_garbage(Services& services, Holdings& holdings, GarbageRules rules);

// Every blob that the runs, models and snapshots of all workspaces but `except` name. Blocks.
Result<std::vector<Hash>> reachable_blobs(Services& services, UtcMs snapshots_used_since_ms, const std::string& except);

// Runs of a workspace in any stage, or in one. For what goes through all of them.
Result<std::vector<Run>> all_runs(store::Reader& reader, const std::string& workspace, std::optional<LifecycleStage> stage = {});

// Logs, metrics, then the record. Blocks.
Status remove_run_data(Services& services, const RunKey& key);
Result<uint64_t> log_bytes_of(Services& services, const RunKey& key);

}  // namespace werkbank::lifecycle
