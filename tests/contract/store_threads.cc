// The contract of store/store.hh, run against every implementation: writers at once, closing, and being killed.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/process.hh"
#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

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
      CHECK(get<std::optional<std::string>>(*world.store, [&](Reader& r) { return r.setting(name); }).has_value() ==
            (n % 2 == 0));
    }
  }
}

// The child of the case below: counts in the given folder's store until a failpoint kills it; notes what was acknowledged.
TEST_CASE("crash child" * doctest::skip()) {
  const char* const folder = std::getenv("STORE_CRASH_FOLDER");
  REQUIRE(folder != nullptr);
  auto store = open_sqlite_store(std::filesystem::path(folder) / "werkbank.db");
  REQUIRE(store);
  std::ofstream acknowledged(std::filesystem::path(folder) / "acknowledged", std::ios::app);
  for (int i = 0; i < 20; ++i) {
    const int64_t cursor = put<int64_t>(**store, [](Transaction& t) -> Result<int64_t> {
      TRY(const int64_t given, t.append_event({.workspace = "default", .type = "x"}));
      CHECK_OK(t.put_setting("count", std::to_string(given)));
      return given;
    });
    acknowledged << cursor << std::endl;
  }
}

TEST_CASE("kill -9 around a commit: what was acknowledged is there, and whole") {
  for (const std::string place : {"store.before_commit", "store.after_commit"}) {
    const std::filesystem::path folder = SqliteWorld::new_folder();
    for (const int passage : {1, 5, 9}) {
      CAPTURE(place);
      CAPTURE(passage);
      SpawnPlan plan;
      plan.argv = {own_executable().string(), "--no-skip", "--test-case=crash child"};
      plan.environment = current_environment();
      plan.environment["STORE_CRASH_FOLDER"] = folder.string();
      plan.environment["WERKBANK_FAILPOINTS"] = place + "=kill@" + std::to_string(passage);
      const Result<ProcessResult> child = run_process(plan, std::chrono::seconds(120));
      REQUIRE(child);
      REQUIRE_MESSAGE(child->exit_code == 128 + 9, child->out);
      int64_t acknowledged = 0;
      std::ifstream notes(folder / "acknowledged");
      for (int64_t note = 0; notes >> note;) acknowledged = note;
      const auto store = open_sqlite_store(folder / "werkbank.db");
      REQUIRE_MESSAGE(store, store.error().to_string());
      const int64_t last = get<int64_t>(**store, [](Reader& r) { return r.last_event_cursor(); });
      CHECK(last >= acknowledged);
      const auto count = get<std::optional<std::string>>(**store, [](Reader& r) { return r.setting("count"); });
      CHECK(count.value_or("0") == std::to_string(last));
      const auto events = get<std::vector<RunEvent>>(**store, [](Reader& r) { return r.events_after(0, "", 1000); });
      CHECK(static_cast<int64_t>(events.size()) == last);
    }
    CHECK(remove_tree(folder));
  }
}
