// The contract of store/store.hh: which workspace has which content, what is pruned, and experiments that had the same name.
#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

namespace {

using Hashes = std::vector<Hash>;

Hashes not_held(Store& store, const std::string& workspace, const Hashes& hashes) {
  return get<Hashes>(store, [&](Reader& r) { return r.blobs_not_held(workspace, hashes); });
}

Hashes sorted(Hashes hashes) {
  std::ranges::sort(hashes);
  const auto repeated = std::ranges::unique(hashes);
  hashes.erase(repeated.begin(), repeated.end());
  return hashes;
}

Hashes roots(Store& store, UtcMs since, const std::string& except) {
  return sorted(get<Hashes>(store, [&](Reader& r) { return r.snapshot_roots(since, except); }));
}

}  // namespace

TEST_CASE_TEMPLATE("a workspace holds the blobs it brought, and no others", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  make_experiment(*world.store, "digits", "elsewhere");
  const Hash a = Hash::of("a"), b = Hash::of("b"), c = Hash::of("c");
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.hold_blobs("default", {a, b}));
    CHECK_OK(t.hold_blobs("default", {a}));
    return t.hold_blobs("elsewhere", {b});
  }));
  world.reopen();
  CHECK(not_held(*world.store, "default", {c, a, b}) == Hashes{c});
  CHECK(not_held(*world.store, "elsewhere", {a, b, c}) == Hashes{a, c});
  CHECK(not_held(*world.store, "default", {}).empty());
  CHECK(get<Hashes>(*world.store, [](Reader& r) { return r.blobs_held_only_by("default"); }) == Hashes{a});
  CHECK(get<Hashes>(*world.store, [](Reader& r) { return r.blobs_held_only_by("elsewhere"); }).empty());
  must(do_write(*world.store, [&](Transaction& t) { return t.forget_blobs({b, c}); }));
  CHECK(not_held(*world.store, "default", {a, b}) == Hashes{b});
  must(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("default"); }));
  CHECK(not_held(*world.store, "default", {a}) == Hashes{a});
}

TEST_CASE_TEMPLATE("snapshots that runs name, or that were put lately, are roots", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  make_experiment(*world.store, "digits", "elsewhere");
  const Hash named = Hash::of("named"), old = Hash::of("old"), fresh = Hash::of("fresh"), theirs = Hash::of("theirs");
  Run run = new_run(experiment, "r");
  run.properties["ContentSnapshotId"] = named.hex();
  create(*world.store, run);
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_snapshot("default", named, 1));
    CHECK_OK(t.put_snapshot("default", old, 5));
    CHECK_OK(t.put_snapshot("default", fresh, 5));
    CHECK_OK(t.put_snapshot("default", fresh, 100));
    return t.put_snapshot("elsewhere", theirs, 100);
  }));
  const auto used = [&](const Hash& id) {
    return get<std::optional<UtcMs>>(*world.store, [&](Reader& r) { return r.snapshot_used("default", id); });
  };
  CHECK(used(fresh) == 100);
  CHECK(!used(theirs));
  CHECK(roots(*world.store, 50, "") == sorted({named, fresh, theirs}));
  CHECK(roots(*world.store, 0, "elsewhere") == sorted({named, old, fresh}));
  CHECK(roots(*world.store, 50, "default") == Hashes{theirs});
  CHECK(put<int64_t>(*world.store, [](Transaction& t) { return t.forget_unused_snapshots(50); }) == 1);
  CHECK(!used(old));
  CHECK(used(named) == 1);
}

TEST_CASE_TEMPLATE("the hashes of runs' files are visited, but for those of one workspace", World, ALL_STORES) {
  World world;
  const Experiment here = make_experiment(*world.store), there = make_experiment(*world.store, "digits", "elsewhere");
  create(*world.store, new_run(here, "r"));
  create(*world.store, new_run(there, "r"));
  const Hash a = Hash::of("a"), b = Hash::of("b");
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_artifact({.run = {"default", "r"}, .path = "outputs/a", .hash = a.hex()}));
    return t.put_artifact({.run = {"elsewhere", "r"}, .path = "outputs/b", .hash = b.hex()});
  }));
  const auto visited = [&](const std::string& except) {
    Hashes found;
    must(world.store->read(
        [&](Reader& r) { return r.each_artifact_hash(except, [&](const Hash& hash) { found.push_back(hash); }); }));
    return sorted(found);
  };
  CHECK(visited("") == sorted({a, b}));
  CHECK(visited("default") == Hashes{b});
}

TEST_CASE_TEMPLATE("old events and keys are pruned, some at a time", World, ALL_STORES) {
  World world;
  make_experiment(*world.store);
  must(do_write(*world.store, [](Transaction& t) -> Status {
    for (int i = 1; i <= 10; ++i) {
      CHECK_OK(t.append_event({.workspace = "default", .type = "x", .at_ms = i}));
      CHECK_OK(t.put_idempotency({"default", "k" + std::to_string(i), "h", "a", i}));
    }
    return {};
  }));
  const auto events = [&] {
    return get<std::vector<RunEvent>>(*world.store, [](Reader& r) { return r.events_after(0, "default", 100); }).size();
  };
  const auto prune = [&](UtcMs before, int64_t limit) {
    return put<int64_t>(*world.store, [=](Transaction& t) { return t.prune_events(before, limit); });
  };
  const int64_t last = get<int64_t>(*world.store, [](Reader& r) { return r.last_event_cursor(); });
  CHECK(prune(6, 3) == 3);
  CHECK(prune(6, 3) == 2);
  CHECK(prune(6, 3) == 0);
  CHECK(events() == 5);
  CHECK(get<int64_t>(*world.store, [](Reader& r) { return r.last_event_cursor(); }) == last);
  CHECK(put<int64_t>(*world.store, [](Transaction& t) { return t.prune_idempotency(6, 3); }) == 3);
  CHECK(put<int64_t>(*world.store, [](Transaction& t) { return t.prune_idempotency(6, 3); }) == 2);
  CHECK(put<int64_t>(*world.store, [](Transaction& t) { return t.prune_idempotency(6, 3); }) == 0);
}

TEST_CASE_TEMPLATE("one experiment of a name is active; the others keep their runs", World, ALL_STORES) {
  World world;
  Experiment first = make_experiment(*world.store);
  create(*world.store, new_run(first, "old"));
  first.stage = LifecycleStage::kDeleted;
  first.stage_ms = 77;
  must(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(first); }));
  const auto named = [&] {
    return *get<std::optional<Experiment>>(*world.store, [](Reader& r) { return r.experiment("default", "digits"); });
  };
  CHECK(named().id == first.id);
  CHECK(named().stage_ms == 77);
  const Experiment second = make_experiment(*world.store);
  CHECK(second.id != first.id);
  CHECK(named().id == second.id);
  create(*world.store, new_run(second, "new"));
  CHECK(list(*world.store, {.workspace = "default", .experiment = "digits"}) == std::vector<std::string>{"new"});
  CHECK(list(*world.store, {.workspace = "default", .experiment_id = first.id}) == std::vector<std::string>{"old"});
  CHECK(list(*world.store, {.workspace = "elsewhere", .experiment_id = first.id}).empty());
  CHECK(list(*world.store, {.workspace = "default", .experiment = "digits", .experiment_id = first.id}).empty());
  first.stage = LifecycleStage::kActive;
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(first); })) == "already_exists");

  Experiment archived = second;
  archived.stage = LifecycleStage::kArchived;
  must(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(archived); }));
  const Experiment third = make_experiment(*world.store);
  Experiment also = third;
  also.stage = LifecycleStage::kArchived;
  must(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(also); }));
  std::vector<int64_t> seen;
  std::string cursor;
  do {
    const auto page = get<Page<Experiment>>(
        *world.store, [&](Reader& r) { return r.experiments("default", LifecycleStage::kArchived, 1, cursor); });
    for (const Experiment& experiment : page.items) seen.push_back(experiment.id);
    cursor = page.next;
  } while (!cursor.empty());
  CHECK(seen == std::vector<int64_t>{second.id, third.id});
}

TEST_CASE_TEMPLATE("the runs of an experiment are moved together, and those moved before stay apart", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  for (const char* id : {"a", "b"}) create(*world.store, new_run(experiment, id));
  Run gone = create(*world.store, new_run(experiment, "gone"));
  gone.stage = LifecycleStage::kDeleted;
  gone.deleted_ms = 3;
  must(do_write(*world.store, [&](Transaction& t) { return t.update_run(gone); }));
  const auto move = [&](LifecycleStage from, UtcMs from_ms, LifecycleStage to, UtcMs to_ms) {
    return put<int64_t>(*world.store,
                        [=](Transaction& t) { return t.move_runs_of_experiment(experiment.id, from, from_ms, to, to_ms); });
  };
  CHECK(move(LifecycleStage::kActive, 0, LifecycleStage::kDeleted, 9) == 2);
  CHECK(find(*world.store, "a")->stage == LifecycleStage::kDeleted);
  CHECK(find(*world.store, "a")->revision == 2);
  CHECK(move(LifecycleStage::kDeleted, 9, LifecycleStage::kActive, 0) == 2);
  CHECK(find(*world.store, "a")->stage == LifecycleStage::kActive);
  CHECK(find(*world.store, "gone")->stage == LifecycleStage::kDeleted);
}
