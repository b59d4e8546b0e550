// The contract of store/store.hh, run against every implementation.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "store/memory/memory_store.hh"
#include "store/sqlite/sqlite_store.hh"
#include "store/store.hh"

using namespace werkbank;
using namespace werkbank::store;

namespace {

struct MemoryWorld {
  std::unique_ptr<Store> store = make_memory_store();
  static constexpr bool kDurable = false;
  void reopen() {}
};

struct SqliteWorld {
  SqliteWorld() { open(); }
  ~SqliteWorld() {
    store.reset();
    (void)remove_tree(folder);
  }
  void open() {
    Result<std::unique_ptr<Store>> opened = open_sqlite_store(folder / "werkbank.db");
    REQUIRE_MESSAGE(opened, opened.error().to_string());
    store = std::move(*opened);
  }
  void reopen() {
    store.reset();
    open();
  }
  static std::filesystem::path new_folder() {
    const std::filesystem::path made = std::filesystem::temp_directory_path() / ("wb-store-" + random_hex(8));
    REQUIRE(make_directories(made));
    return made;
  }
  std::filesystem::path folder = new_folder();
  std::unique_ptr<Store> store;
  static constexpr bool kDurable = true;
};

#define ALL_STORES MemoryWorld, SqliteWorld

using Action = std::function<Status(Transaction&)>;

Status do_write(Store& store, Action action) { return sync_wait(store.write(std::move(action))); }

template <typename T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result, result.error().to_string());
  return std::move(*result);
}
void must(Status status) { REQUIRE_MESSAGE(status, status.error().to_string()); }

template <typename T>
T get(Store& store, std::function<Result<T>(Reader&)> action) {
  return must(werkbank::store::read<T>(store, action));
}

template <typename T>
T put(Store& store, std::function<Result<T>(Transaction&)> action) {
  return must(sync_wait(werkbank::store::write<T>(store, std::move(action))));
}

Experiment make_experiment(Store& store, const std::string& name = "digits", const std::string& workspace = "default") {
  must(do_write(store, [&](Transaction& t) -> Status {
    TRY(const std::optional<Workspace> existing, t.workspace(workspace));
    return existing ? Status() : t.put_workspace(Workspace{.name = workspace, .tags = {{"a", "b"}}, .created_ms = 7});
  }));
  return put<Experiment>(store, [&](Transaction& t) { return t.create_experiment({.workspace = workspace, .name = name, .created_ms = 5}); });
}

Run new_run(const Experiment& experiment, const std::string& id, UtcMs created_ms = 1000) {
  Run run;
  run.key = {experiment.workspace, id};
  run.experiment_id = experiment.id;
  run.experiment = experiment.name;
  run.root_id = id;
  run.run_type = "azureml.scriptrun";
  run.target = "local";
  run.script = "train.py";
  run.created_by = "ada";
  run.created_ms = created_ms;
  return run;
}

Run create(Store& store, const Run& run) {
  return put<Run>(store, [run](Transaction& t) { return t.create_run(run, nullptr, nullptr); });
}

std::vector<std::string> ids(const std::vector<Run>& runs) {
  std::vector<std::string> found;
  for (const Run& run : runs) found.push_back(run.key.run_id);
  return found;
}

std::vector<std::string> list(Store& store, const RunQuery& query) {
  return ids(get<Page<Run>>(store, [&](Reader& r) { return r.runs(query); }).items);
}

std::string code(const Status& status) { return status ? "ok" : std::string(status.error().code->id); }

std::optional<Run> find(Store& store, const std::string& id) {
  return get<std::optional<Run>>(store, [&](Reader& r) { return r.run({"default", id}); });
}

}  // namespace

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
  CHECK(get<std::optional<Experiment>>(*world.store, [&](Reader& r) { return r.experiment_by_id(second.id); })->name == "müller/№ 2");
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
    const auto page =
        get<Page<Experiment>>(*world.store, [&](Reader& r) { return r.experiments("default", LifecycleStage::kActive, 2, cursor); });
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
  ended.end = RunEnd{.kind = RunEndKind::kExitCode, .exit_code = 3, .code = "UserError", .message = "exit 3", .log_tail = {"bye", "\xff\xfe"}};
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
  const int64_t cursor = put<int64_t>(*world.store, [](Transaction& t) { return t.append_event({.workspace = "default", .type = "x"}); });
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

TEST_CASE_TEMPLATE("attempts and artifacts hang on their run", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  create(*world.store, new_run(experiment, "r"));
  create(*world.store, new_run(experiment, "other"));
  const RunKey key{"default", "r"};
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_attempt({.run = key, .number = 2, .lease = "l2"}));
    CHECK_OK(t.put_attempt({.run = key, .number = 1, .lease = "old"}));
    CHECK_OK(t.put_attempt({.run = key, .number = 1, .lease = "l1", .target = "local", .handle = {{"pid", 7}}, .started_ms = 4}));
    for (const char* path : {"outputs/b", "outputs/a", "outputs0", "outputs", "logs/x"}) {
      CHECK_OK(t.put_artifact({.run = key, .path = path, .hash = "h", .size_bytes = 1}));
    }
    return t.put_artifact({.run = {"default", "other"}, .path = "outputs/c"});
  }));
  must(do_write(*world.store, [&](Transaction& t) {
    return t.put_artifact({.run = key, .path = "outputs/a", .hash = "h2", .size_bytes = 1ULL << 40, .attempt = 2, .rank = 1, .modified_ms = 8});
  }));
  const auto attempts = get<std::vector<Attempt>>(*world.store, [&](Reader& r) { return r.attempts(key); });
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].lease == "l1");
  CHECK(attempts[0].handle == json::object{{"pid", 7}});
  CHECK(attempts[1].number == 2);
  const auto paths = [&](const std::string& prefix) {
    std::vector<std::string> found;
    for (const Artifact& artifact : get<std::vector<Artifact>>(*world.store, [&](Reader& r) { return r.artifacts(key, prefix); })) {
      found.push_back(artifact.path);
    }
    return found;
  };
  CHECK(paths("outputs/") == std::vector<std::string>{"outputs/a", "outputs/b"});
  CHECK(paths("").size() == 5);
  CHECK(paths("\xff").empty());
  const auto artifact = get<std::optional<Artifact>>(*world.store, [&](Reader& r) { return r.artifact(key, "outputs/a"); });
  REQUIRE(artifact);
  CHECK(artifact->hash == "h2");
  CHECK(artifact->size_bytes == 1ULL << 40);
  CHECK(artifact->rank == 1);
  must(do_write(*world.store, [&](Transaction& t) { return t.delete_artifact(key, "outputs/a"); }));
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.delete_artifact(key, "outputs/a"); })) == "not_found");
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.put_artifact({.run = {"default", "no"}, .path = "x"}); })) ==
        "run_not_found");
  must(do_write(*world.store, [&](Transaction& t) { return t.purge_run(key); }));
  CHECK(!find(*world.store, "r"));
  CHECK(paths("").empty());
  CHECK(get<std::vector<Attempt>>(*world.store, [&](Reader& r) { return r.attempts(key); }).empty());
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.purge_run(key); })) == "run_not_found");
}

TEST_CASE_TEMPLATE("events come in one order, and their listener hears of every durable one", World, ALL_STORES) {
  World world;
  std::atomic<int64_t> heard = 0;
  world.store->on_events([&](int64_t cursor) { heard = cursor; });
  int64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    last = put<int64_t>(*world.store, [i](Transaction& t) {
      return t.append_event({.workspace = i % 2 == 0 ? "even" : "odd", .run_id = "r", .type = "run.status", .at_ms = i, .data = {{"i", i}}});
    });
    CHECK(heard == last);
  }
  const auto after = [&](int64_t cursor, const std::string& workspace, int64_t limit) {
    std::vector<int64_t> found;
    for (const RunEvent& event :
         get<std::vector<RunEvent>>(*world.store, [&](Reader& r) { return r.events_after(cursor, workspace, limit); })) {
      found.push_back(event.data.at("i").as_int64());
    }
    return found;
  };
  CHECK(after(0, "", 100) == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(after(0, "even", 2) == std::vector<int64_t>{0, 2});
  CHECK(after(last, "", 100).empty());
  world.store->on_events({});
  world.reopen();
  CHECK(get<int64_t>(*world.store, [](Reader& r) { return r.last_event_cursor(); }) == last);
  const int64_t next = put<int64_t>(*world.store, [](Transaction& t) { return t.append_event({.workspace = "even", .type = "x"}); });
  CHECK(next > last);
}

TEST_CASE_TEMPLATE("an idempotency key belongs to its first request", World, ALL_STORES) {
  World world;
  const IdempotencyRecord record{"default", "key", "hash", "answer", 1};
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency(record); }));
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"default", "key", "hash", "later answer", 2}); }));
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"default", "key", "other", "a", 2}); })) ==
        "idempotency_conflict");
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"elsewhere", "key", "other", "a", 2}); }));
  const auto found = get<std::optional<IdempotencyRecord>>(*world.store, [](Reader& r) { return r.idempotency("default", "key"); });
  REQUIRE(found);
  CHECK(found->answer == "answer");
}

TEST_CASE_TEMPLATE("environments are versioned by name", World, ALL_STORES) {
  World world;
  const auto add = [&](const std::string& name, const std::string& label) {
    EnvironmentVersion version{.workspace = "default", .created_ms = 3};
    version.definition.name = name;
    version.definition.version = label;
    version.definition.pip_requirements = {name + "==" + label};
    return put<EnvironmentVersion>(*world.store, [version](Transaction& t) { return t.create_environment_version(version); }).version;
  };
  CHECK(add("a", "") == 1);
  CHECK(add("a", "blue") == 2);
  CHECK(add("b", "") == 1);
  CHECK(add("a", "1") == 3);
  const auto version_of = [&](const std::string& version) {
    const auto found =
        get<std::optional<EnvironmentVersion>>(*world.store, [&](Reader& r) { return r.environment("default", "a", version); });
    return found ? found->version : 0;
  };
  CHECK(version_of("") == 3);
  CHECK(version_of("blue") == 2);
  CHECK(version_of("2") == 2);
  CHECK(version_of("1") == 3);  // the label comes before the number
  CHECK(version_of("nine") == 0);
  const auto latest = get<std::vector<EnvironmentVersion>>(*world.store, [](Reader& r) { return r.environments("default", ""); });
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].version == 3);
  CHECK(latest[0].definition.pip_requirements == std::vector<std::string>{"a==1"});
  CHECK(latest[1].definition.name == "b");
}

TEST_CASE_TEMPLATE("tokens, members, secrets and settings are kept and deleted", World, ALL_STORES) {
  World world;
  const std::string sealed("\0\x01\xff", 3);
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_token({.id = "t1", .hash = "h1", .user = "ada", .workspace = "*", .role = Role::kOwner, .created_ms = 2}));
    CHECK_OK(t.put_token({.id = "t2", .hash = "h2", .user = "bob", .workspace = "w", .created_ms = 1, .expires_ms = 9}));
    CHECK_OK(t.put_member({"w", "bob", Role::kReader}));
    CHECK_OK(t.put_member({"w", "bob", Role::kContributor}));
    CHECK_OK(t.put_secret({"w", "s", sealed, 4}));
    CHECK_OK(t.put_setting("instance", "old"));
    return t.put_setting("instance", "id");
  }));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.put_token({.id = "t3", .hash = "h1"}); })) == "already_exists");
  world.reopen();
  Store& store = *world.store;
  CHECK(get<std::optional<TokenRecord>>(store, [](Reader& r) { return r.token_by_hash("h1"); })->role == Role::kOwner);
  CHECK(get<std::vector<TokenRecord>>(store, [](Reader& r) { return r.tokens(); }).front().id == "t2");
  CHECK(get<std::optional<MemberRecord>>(store, [](Reader& r) { return r.member("w", "bob"); })->role == Role::kContributor);
  CHECK(get<std::vector<MemberRecord>>(store, [](Reader& r) { return r.members("w"); }).size() == 1);
  CHECK(get<std::optional<SecretRecord>>(store, [](Reader& r) { return r.secret("w", "s"); })->sealed == sealed);
  CHECK(get<std::vector<SecretRecord>>(store, [](Reader& r) { return r.secrets("w"); }).size() == 1);
  CHECK(get<std::optional<std::string>>(store, [](Reader& r) { return r.setting("instance"); }) == "id");
  must(do_write(store, [](Transaction& t) -> Status {
    CHECK_OK(t.delete_token("t1"));
    CHECK_OK(t.delete_member("w", "bob"));
    return t.delete_secret("w", "s");
  }));
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_token("t1"); })) == "not_found");
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_member("w", "bob"); })) == "not_found");
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_secret("w", "s"); })) == "not_found");
}

TEST_CASE_TEMPLATE("deleting a workspace takes everything in it along, and nothing else", World, ALL_STORES) {
  World world;
  const Experiment gone = make_experiment(*world.store, "a", "gone");
  const Experiment kept = make_experiment(*world.store, "a", "kept");
  Run run = new_run(gone, "r");
  run.tags = {{"t", "v"}};
  create(*world.store, run);
  create(*world.store, new_run(kept, "r"));
  must(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(t.put_artifact({.run = {"gone", "r"}, .path = "outputs/a"}));
    return t.delete_workspace("gone");
  }));
  CHECK(list(*world.store, {.workspace = "gone"}).empty());
  CHECK(list(*world.store, {.workspace = "gone", .tags = {{"t", ""}}}).empty());
  CHECK(list(*world.store, {.workspace = "kept"}).size() == 1);
  CHECK(!get<std::optional<Experiment>>(*world.store, [&](Reader& r) { return r.experiment_by_id(gone.id); }));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("gone"); })) == "workspace_not_found");
}

TEST_CASE_TEMPLATE("concurrent writers are serialized, and readers see whole states", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  create(*world.store, new_run(experiment, "counter"));
  constexpr int kThreads = 4, kWrites = 50;
  std::atomic<bool> torn = false, done = false;
  std::thread reader([&] {
    while (!done) {
      const Status seen = world.store->read([&](Reader& r) -> Status {
        TRY(const std::optional<Run> first, r.run({"default", "counter"}));
        TRY(const std::optional<std::string> second, r.setting("count"));
        const auto count = first->tags.find("n");
        if ((count == first->tags.end() ? "" : count->second) != second.value_or("")) torn = true;
        return {};
      });
      if (!seen) torn = true;
    }
  });
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  for (int i = 0; i < kThreads; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < kWrites; ++n) {
        const Status written = do_write(*world.store, [](Transaction& t) -> Status {
          TRY(std::optional<Run> run, t.run({"default", "counter"}));
          std::string& count = run->tags["n"];
          count = std::to_string(count.empty() ? 1 : std::stoi(count) + 1);
          CHECK_OK(t.put_setting("count", count));
          return t.update_run(*run);
        });
        if (!written) ++failures;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  CHECK(failures == 0);
  CHECK(!torn);
  CHECK(find(*world.store, "counter")->tags["n"] == std::to_string(kThreads * kWrites));
  CHECK(find(*world.store, "counter")->revision == 1 + kThreads * kWrites);
}

namespace {
// What a step of a run's life does: it writes again on the thread on which its last write woke it.
Task<int> write_in_a_chain(Store* store, int count) {
  int written = 0;
  for (int i = 0; i < count; ++i) {
    Action action = [](Transaction& t) -> Status {
      TRY(const std::optional<std::string> before, t.setting("chain"));
      return t.put_setting("chain", std::to_string(std::stoi(before.value_or("0")) + 1));
    };
    const Status status = co_await store->write(std::move(action));
    if (status) ++written;
  }
  co_return written;
}
}  // namespace

TEST_CASE_TEMPLATE("a resumed coroutine may write again", World, ALL_STORES) {
  World world;
  CHECK(sync_wait(write_in_a_chain(world.store.get(), 30)) == 30);
  CHECK(get<std::optional<std::string>>(*world.store, [](Reader& r) { return r.setting("chain"); }) == "30");
}

TEST_CASE_TEMPLATE("a closed store refuses, and what it had acknowledged is there again", World, ALL_STORES) {
  World world;
  must(do_write(*world.store, [](Transaction& t) { return t.put_setting("a", "1"); }));
  world.store->close();
  world.store->close();
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.put_setting("a", "2"); })) == "unavailable");
  CHECK(code(world.store->read([](Reader&) -> Status { return {}; })) == "unavailable");
  if (World::kDurable) {
    world.reopen();
    CHECK(get<std::optional<std::string>>(*world.store, [](Reader& r) { return r.setting("a"); }) == "1");
  }
}

TEST_CASE("an action's refusal does not touch the others in its group") {
  SqliteWorld world;
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0, accepted = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 20; ++n) {
        const std::string name = std::to_string(i) + "/" + std::to_string(n);
        const Status status = do_write(*world.store, [&](Transaction& t) -> Status {
          CHECK_OK(t.put_setting(name, "x"));
          return n % 2 == 0 ? Status() : Status(fail(errors::invalid_request, "odd"));
        });
        ++(status ? accepted : refused);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(accepted == 80);
  CHECK(refused == 80);
  for (int i = 0; i < 8; ++i) {
    for (int n = 0; n < 20; ++n) {
      const std::string name = std::to_string(i) + "/" + std::to_string(n);
      CHECK(get<std::optional<std::string>>(*world.store, [&](Reader& r) { return r.setting(name); }).has_value() == (n % 2 == 0));
    }
  }
}
