// The contract of store/store.hh, run against every implementation: workspaces, experiments and runs.
#include <algorithm>
#include <stdexcept>

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

TEST_CASE_TEMPLATE("workspaces and experiments are kept, and have their rules", World, ALL_STORES) {
  World world;
  const Experiment first = make_experiment(*world.store);
  const Experiment second = make_experiment(*world.store, "müller/№ 2");
  CHECK(first.id > 0);
  CHECK(second.id != first.id);
  const auto workspace = get<std::optional<Workspace>>(*world.store, [](Reader& r) { return r.workspace("default"); });
  REQUIRE(workspace);
  CHECK(workspace->tags == TextMap{{"a", "b"}});
  CHECK(workspace->created_ms == 7);
  CHECK(get<std::optional<Experiment>>(*world.store, [&](Reader& r) { return r.experiment_by_id(second.id); })->name ==
        "müller/№ 2");
  CHECK(code(do_write(*world.store, [](Transaction& t) -> Status {
          CHECK_OK(t.create_experiment({.workspace = "default", .name = "digits"}));
          return {};
        })) == "already_exists");
  CHECK(code(do_write(*world.store, [](Transaction& t) -> Status {
          CHECK_OK(t.create_experiment({.workspace = "nowhere", .name = "digits"}));
          return {};
        })) == "workspace_not_found");
  Experiment renamed = second;
  renamed.name = "digits";
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(renamed); })) == "already_exists");
  renamed.name = "other";
  renamed.stage = LifecycleStage::kArchived;
  renamed.tags = {{"k", "v"}};
  must(do_write(*world.store, [&](Transaction& t) { return t.update_experiment(renamed); }));
  world.reopen();
  const auto archived =
      get<Page<Experiment>>(*world.store, [](Reader& r) { return r.experiments("default", LifecycleStage::kArchived, 10, ""); });
  REQUIRE(archived.items.size() == 1);
  CHECK(archived.items[0].tags == TextMap{{"k", "v"}});
  CHECK(archived.items[0].id == second.id);
}

TEST_CASE_TEMPLATE("experiments are paged by name", World, ALL_STORES) {
  World world;
  for (const char* name : {"d", "a", "c", "b", "e"}) make_experiment(*world.store, name);
  std::vector<std::string> names;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = get<Page<Experiment>>(
        *world.store, [&](Reader& r) { return r.experiments("default", LifecycleStage::kActive, 2, cursor); });
    for (const Experiment& experiment : page.items) names.push_back(experiment.name);
    cursor = page.next;
    ++pages;
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(names == std::vector<std::string>{"a", "b", "c", "d", "e"});
}

TEST_CASE_TEMPLATE("a run is kept whole, with its spec and git facts", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  Run run = new_run(experiment, "ünï🎉");
  run.tags = {{"t", "1"}, {"empty", ""}};
  run.properties = {{"ContentSnapshotId", "abc"}};
  run.params = {{"lr", "0.1"}};
  run.warnings = {"one", "two"};
  RunSpec spec;
  spec.script = "train.py";
  spec.arguments = {"--x", "a b", ""};
  spec.environment_variables = {{"K", "V"}};
  const GitFacts git{"https://example.org/r.git", "main", "0123", true};
  const Run created = put<Run>(*world.store, [&](Transaction& t) { return t.create_run(run, &spec, &git); });
  CHECK(created.number == 1);
  CHECK(created.revision == 1);
  Run ended = created;
  ended.status = RunStatus::kFailed;
  ended.display_name = "the first";
  ended.ended_ms = 99;
  ended.tags.erase("t");
  ended.tags["empty"] = "no";
  ended.end = RunEnd{
      .kind = RunEndKind::kExitCode, .exit_code = 3, .code = "UserError", .message = "exit 3", .log_tail = {"bye", "\xff\xfe"}};
  must(do_write(*world.store, [&](Transaction& t) { return t.update_run(ended); }));
  CHECK(ended.revision == 2);
  world.reopen();
  const std::optional<Run> found = find(*world.store, "ünï🎉");
  REQUIRE(found);
  CHECK(found->experiment == "digits");
  CHECK(found->status == RunStatus::kFailed);
  CHECK(found->display_name == "the first");
  CHECK(found->tags == TextMap{{"empty", "no"}});
  CHECK(found->properties == run.properties);
  CHECK(found->params == run.params);
  CHECK(found->warnings == run.warnings);
  CHECK(found->end.exit_code == 3);
  CHECK(found->end.log_tail == ended.end.log_tail);
  CHECK(found->revision == 2);
  CHECK(found->created_ms == 1000);
  const auto kept = get<std::optional<RunSpec>>(*world.store, [](Reader& r) { return r.run_spec({"default", "ünï🎉"}); });
  REQUIRE(kept);
  CHECK(kept->arguments == spec.arguments);
  CHECK(kept->environment_variables == spec.environment_variables);
  const auto facts = get<std::optional<GitFacts>>(*world.store, [](Reader& r) { return r.git_facts({"default", "ünï🎉"}); });
  REQUIRE(facts);
  CHECK(facts->commit == "0123");
  CHECK(facts->dirty);
}

TEST_CASE_TEMPLATE("runs are numbered within their experiment, and their ids are unique in the workspace", World, ALL_STORES) {
  World world;
  const Experiment a = make_experiment(*world.store, "a");
  const Experiment b = make_experiment(*world.store, "b");
  const Experiment elsewhere = make_experiment(*world.store, "a", "elsewhere");
  CHECK(create(*world.store, new_run(a, "1")).number == 1);
  CHECK(create(*world.store, new_run(a, "2")).number == 2);
  CHECK(create(*world.store, new_run(b, "3")).number == 1);
  CHECK(create(*world.store, new_run(elsewhere, "1")).number == 1);
  const auto refused = [&](const Run& run) {
    return code(do_write(*world.store, [run](Transaction& t) -> Status {
      CHECK_OK(t.create_run(run, nullptr, nullptr));
      return {};
    }));
  };
  CHECK(refused(new_run(b, "1")) == "already_exists");
  Run lost = new_run(a, "9");
  lost.experiment_id = 12345;
  CHECK(refused(lost) == "experiment_not_found");
  must(do_write(*world.store, [](Transaction& t) { return t.purge_run({"default", "2"}); }));
  CHECK(create(*world.store, new_run(a, "4")).number == 3);  // a number is never given twice
  Run absent = new_run(a, "absent");
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.update_run(absent); })) == "run_not_found");
}

TEST_CASE_TEMPLATE("a write that fails has changed nothing", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  Run run = create(*world.store, new_run(experiment, "kept"));
  const int64_t cursor =
      put<int64_t>(*world.store, [](Transaction& t) { return t.append_event({.workspace = "default", .type = "x"}); });
  const Status refused = do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.create_run(new_run(experiment, "gone"), nullptr, nullptr));
    Run changed = run;
    changed.tags["t"] = "changed";
    CHECK_OK(t.update_run(changed));
    CHECK_OK(t.append_event({.workspace = "default", .type = "y"}));
    CHECK_OK(t.purge_run({"default", "kept"}));
    CHECK_OK(t.put_setting("s", "v"));
    return fail(errors::run_state_conflict, "no");
  });
  CHECK(code(refused) == "run_state_conflict");
  CHECK(code(do_write(*world.store, [](Transaction& t) -> Status {
          CHECK_OK(t.put_setting("s", "v"));
          throw std::runtime_error("bug");
        })) == "internal");
  CHECK(!find(*world.store, "gone"));
  REQUIRE(find(*world.store, "kept"));
  CHECK(find(*world.store, "kept")->tags.empty());
  CHECK(find(*world.store, "kept")->revision == 1);
  CHECK(get<int64_t>(*world.store, [](Reader& r) { return r.last_event_cursor(); }) == cursor);
  CHECK(!get<std::optional<std::string>>(*world.store, [](Reader& r) { return r.setting("s"); }));
  CHECK(create(*world.store, new_run(experiment, "next")).number == 2);
}

TEST_CASE_TEMPLATE("a listing is filtered by every field", World, ALL_STORES) {
  World world;
  const Experiment a = make_experiment(*world.store, "a");
  const Experiment b = make_experiment(*world.store, "b");
  const std::string long_value(100, 'x');
  Run one = new_run(a, "one", 1);
  one.tags = {{"color", "red"}, {"long", long_value + "1"}};
  one.status = RunStatus::kRunning;
  Run two = new_run(a, "two", 2);
  two.tags = {{"color", "blue"}, {"long", long_value + "2"}};
  two.properties = {{"p", "q"}};
  two.parent_id = "one";
  two.root_id = "one";
  two.status = RunStatus::kCompleted;
  Run three = new_run(b, "three", 3);
  three.tags = {{"color", "red"}};
  three.target = "gpu";
  three.created_by = "bob";
  three.run_type = "other";
  three.status = RunStatus::kFailed;
  Run four = new_run(b, "four", 4);
  four.stage = LifecycleStage::kDeleted;
  for (const Run& run : {one, two, three, four}) create(*world.store, run);
  using Ids = std::vector<std::string>;
  Store& store = *world.store;
  const auto query = [](auto change) {
    RunQuery made{.workspace = "default"};
    change(made);
    return made;
  };
  CHECK(list(store, query([](RunQuery&) {})) == Ids{"three", "two", "one"});
  CHECK(list(store, query([](RunQuery& q) { q.oldest_first = true; })) == Ids{"one", "two", "three"});
  CHECK(list(store, query([](RunQuery& q) { q.stage = LifecycleStage::kDeleted; })) == Ids{"four"});
  CHECK(list(store, query([](RunQuery& q) { q.experiment = "a"; })) == Ids{"two", "one"});
  CHECK(list(store, query([](RunQuery& q) { q.experiment = "unknown"; })).empty());
  CHECK(list(store, query([](RunQuery& q) { q.parent_id = "one"; })) == Ids{"two"});
  CHECK(list(store, query([](RunQuery& q) { q.parent_id = ""; })) == Ids{"three", "one"});
  CHECK(list(store, query([](RunQuery& q) { q.root_id = "one"; })) == Ids{"two", "one"});
  CHECK(list(store, query([](RunQuery& q) { q.statuses = {RunStatus::kRunning}; })) == Ids{"one"});
  CHECK(list(store, query([](RunQuery& q) { q.statuses = {RunStatus::kRunning, RunStatus::kFailed, RunStatus::kFailed}; })) ==
        Ids{"three", "one"});
  CHECK(list(store, query([](RunQuery& q) {
               q.statuses = {RunStatus::kRunning, RunStatus::kCompleted};
               q.experiment = "a";
               q.oldest_first = true;
             })) == Ids{"one", "two"});
  CHECK(list(store, query([](RunQuery& q) { q.tags = {{"color", "red"}}; })) == Ids{"three", "one"});
  CHECK(list(store, query([](RunQuery& q) { q.tags = {{"color", ""}}; })) == Ids{"three", "two", "one"});
  CHECK(list(store, query([&](RunQuery& q) { q.tags = {{"long", long_value + "2"}}; })) == Ids{"two"});
  CHECK(list(store, query([](RunQuery& q) { q.tags = {{"color", "blue"}, {"long", ""}}; })) == Ids{"two"});
  CHECK(list(store, query([](RunQuery& q) {
               q.tags = {{"color", "red"}};
               q.experiment = "b";
             })) == Ids{"three"});
  CHECK(list(store, query([](RunQuery& q) {
               q.tags = {{"color", ""}};
               q.properties = {{"p", "q"}};
             })) == Ids{"two"});
  CHECK(list(store, query([](RunQuery& q) { q.target = "gpu"; })) == Ids{"three"});
  CHECK(list(store, query([](RunQuery& q) { q.created_by = "bob"; })) == Ids{"three"});
  CHECK(list(store, query([](RunQuery& q) { q.run_type = "other"; })) == Ids{"three"});
  CHECK(list(store, RunQuery{.workspace = "elsewhere"}).empty());
}

TEST_CASE_TEMPLATE("paging visits every run once, also where times are equal", World, ALL_STORES) {
  World world;
  const Experiment a = make_experiment(*world.store, "a");
  const Experiment b = make_experiment(*world.store, "b");
  for (int i = 0; i < 23; ++i) {
    Run run = new_run(i % 2 == 0 ? a : b, "r" + std::to_string(i), 1000 + i / 12);
    run.tags = {{"all", "yes"}};
    run.status = i % 3 == 0 ? RunStatus::kRunning : RunStatus::kQueued;
    create(*world.store, run);
  }
  for (const bool oldest_first : {false, true}) {
    for (const int filter : {0, 1, 2}) {
      RunQuery query{.workspace = "default", .oldest_first = oldest_first, .limit = 1000};
      if (filter == 1) query.tags = {{"all", "yes"}};
      if (filter == 2) query.statuses = {RunStatus::kRunning, RunStatus::kQueued};
      const std::vector<std::string> whole = list(*world.store, query);
      CHECK(whole.size() == 23);
      std::vector<std::string> paged;
      query.limit = 4;
      do {
        const auto page = get<Page<Run>>(*world.store, [&](Reader& r) { return r.runs(query); });
        CHECK(page.items.size() <= 4);
        std::ranges::copy(ids(page.items), std::back_inserter(paged));
        query.cursor = page.next;
      } while (!query.cursor.empty());
      CHECK(paged == whole);
    }
  }
  const auto refused = [&](RunQuery query) {
    return code(world.store->read([&](Reader& r) -> Status {
      CHECK_OK(r.runs(query));
      return {};
    }));
  };
  CHECK(refused({.workspace = "default", .cursor = "nonsense"}) == "invalid_request");
  CHECK(refused({.workspace = "default", .limit = 0}) == "invalid_request");
  CHECK(refused({.workspace = "default", .limit = 1001}) == "invalid_request");
}

TEST_CASE_TEMPLATE("the work list holds unfinished managed runs, oldest first", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  Run late = new_run(experiment, "late", 9);
  Run early = new_run(experiment, "early", 3);
  Run tracked = new_run(experiment, "tracked", 1);
  tracked.control = RunControl::kClientTracked;
  Run done = new_run(experiment, "done", 2);
  for (const Run& run : {late, early, tracked, done}) create(*world.store, run);
  done = *find(*world.store, "done");
  done.status = RunStatus::kCanceled;
  must(do_write(*world.store, [&](Transaction& t) { return t.update_run(done); }));
  const auto runs = get<std::vector<Run>>(*world.store, [](Reader& r) { return r.unfinished_managed_runs(); });
  CHECK(ids(runs) == std::vector<std::string>{"early", "late"});
}
