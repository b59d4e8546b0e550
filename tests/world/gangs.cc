// Runs of several ranks on the wired server: all start or none, and how one ends is how all do.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/pool_world.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kWorkspace = "/api/v1/workspaces/default";
constexpr const char* kTwoPerNode = R"("distribution":{"communicator":"OpenMpi","processCountPerNode":2})";

// What outlives a server.
struct Machine {
  explicit Machine(int cores = 4) : facts(test::machine_of(cores, 4096 * cores)) {
    runners.set_capabilities({.same_machine = true, .runs_at_once = 100});
  }
  test::PoolFolder folder;
  compute::MachineFacts facts;
  test::ScriptedTarget runners;
};

RunEnd exited(int code) {
  RunEnd end;
  end.kind = RunEndKind::kExitCode;
  end.exit_code = code;
  return end;
}
RunEnd of_kind(RunEndKind kind) {
  RunEnd end;
  end.kind = kind;
  return end;
}

struct World {
  explicit World(Machine& on, lifecycle::EngineConfig config = {}, std::unique_ptr<store::Store> records = nullptr)
      : machine(on), provider(compute::make_this_machine(on.facts)) {
    const bool is_new = records == nullptr;
    if (is_new) records = store::make_memory_store();
    auto own = std::make_unique<test::ScriptedTarget>();
    local = own.get();
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
    targets.emplace("local", std::move(own));
    world = std::make_unique<test::TestWorld>(std::move(targets), config, std::move(records));
    compute::AmlComputeConfig pools;
    pools.folder = on.folder.path;
    pools.provider = provider.get();
    pools.make_runners = [&on](const std::filesystem::path&) { return std::make_unique<test::BorrowedRunners>(on.runners); };
    world->targets.add_kind(compute::make_aml_compute(std::move(pools)));
    REQUIRE(world->engine->start().has_value());
    if (is_new) make_pool("pool", R"({"vmSize":"STANDARD_D1_V2","maxNodes":4,"idleSecondsBeforeScaledown":3600})");
  }

  void make_pool(const std::string& name, const std::string& settings) {
    const std::string body = fmt::format(R"({{"name":"{}","kind":"AmlCompute","settings":{}}})", name, settings);
    REQUIRE(world->ask(Method::kPost, fmt::format("{}/compute", kWorkspace), body).status == 201);
  }
  net::Response submit(const std::string& id, const std::string& more, const std::string& target = "pool") {
    return world->ask(Method::kPost, fmt::format("{}/runs", kWorkspace),
                      fmt::format(R"({{"experiment":"e","runId":"{}","spec":{{"command":"true","target":"{}",{},)"
                                  R"("environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                                  id, target, more));
  }
  std::vector<test::ScriptedTarget::Started> ranks(const std::string& id) const {
    std::vector<test::ScriptedTarget::Started> found;
    for (auto& started : machine.runners.started()) {
      if (started.plan.run.run_id == id && !started.removed) found.push_back(started);
    }
    return found;
  }
  bool start(const std::string& id, const std::string& more, size_t count) {
    const net::Response response = submit(id, more);
    CAPTURE(response.body);
    REQUIRE(response.status == 202);
    return world->eventually([&] { return ranks(id).size() == count && has_handles(id, count); });
  }
  Attempt attempt(const std::string& id) {
    const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&id](store::Reader& reader) {
      return reader.attempts({"default", id});
    };
    const auto attempts = store::read<std::vector<Attempt>>(*world->store, find).value();
    return attempts.empty() ? Attempt{} : attempts.back();
  }
  bool has_handles(const std::string& id, size_t count) {
    const json::object handle = attempt(id).handle;
    return handle.contains("gang") && handle.at("gang").as_object().contains("ranks") &&
           handle.at("gang").at("ranks").as_array().size() == count;
  }
  int report(const std::string& id, int64_t rank, RunnerPhase phase, RunEnd end = {}) {
    for (const auto& started : ranks(id)) {
      if (started.plan.rank != rank) continue;
      RunnerReport told;
      told.attempt = started.plan.attempt;
      told.rank = rank;
      told.lease = started.plan.lease;
      told.phase = phase;
      told.end = std::move(end);
      return world
          ->ask(Method::kPost, fmt::format("{}/runs/{}/runner/report", kWorkspace, id), json::serialize(to_json(told)),
                started.plan.token.reveal())
          .status;
    }
    return 0;
  }
  bool is_asked_to_end(const std::string& id, int64_t rank) {
    return world->eventually([&] {
      return std::ranges::any_of(ranks(id),
                                 [&](const auto& started) { return started.plan.rank == rank && started.cancel_asked; });
    });
  }
  std::string why(const std::string& id) { return world->ask(Method::kGet, fmt::format("{}/runs/{}/why", kWorkspace, id)).body; }
  int64_t nodes_of(const std::string& name) {
    const std::string body = world->ask(Method::kGet, fmt::format("{}/compute/{}", kWorkspace, name)).body;
    return parse_json(body).value().at("status").at("currentNodeCount").as_int64();
  }

  Machine& machine;
  std::unique_ptr<compute::NodeProvider> provider;
  std::unique_ptr<test::TestWorld> world;
  test::ScriptedTarget* local = nullptr;
};

}  // namespace

TEST_CASE("a run of two processes on each of two nodes starts whole and completes with the last one") {
  Machine machine;
  World world(machine);
  REQUIRE(world.start("mpi", fmt::format(R"("nodeCount":2,{})", kTwoPerNode), 4));
  CHECK(world.nodes_of("pool") == 2);
  std::map<int64_t, std::set<int>> cores;  // of a node
  std::set<std::string> ports, groups;
  for (const auto& started : world.ranks("mpi")) {
    CHECK(started.plan.node == started.plan.rank / 2);
    CHECK(started.plan.variables.at("OMPI_COMM_WORLD_RANK") == std::to_string(started.plan.rank));
    CHECK(started.plan.variables.at("AZUREML_CR_NODE_RANK") == std::to_string(started.plan.node));
    cores[started.plan.node].insert(started.plan.slice.cores.begin(), started.plan.slice.cores.end());
    ports.insert(started.plan.variables.at("MASTER_PORT"));
    groups.insert(started.plan.slice.group);
  }
  CHECK((cores[0].size() == 1 && cores[1].size() == 1 && cores[0] != cores[1]));
  CHECK(ports.size() == 1);
  CHECK(groups.size() == 2);  // those of one node share its memory
  CHECK_FALSE(groups.contains(""));

  CHECK(world.report("mpi", 2, RunnerPhase::kRunning) == 200);
  CHECK(world.world->run("mpi").status == RunStatus::kRunning);
  for (const int64_t rank : {3, 0, 2}) {
    CHECK(world.report("mpi", rank, RunnerPhase::kFinalizing) == 200);
    CHECK(world.report("mpi", rank, RunnerPhase::kDone, exited(0)) == 200);
    CHECK(world.report("mpi", rank, RunnerPhase::kDone, exited(0)) == 200);  // the answer was lost on the way
    CHECK(world.world->run("mpi").status == RunStatus::kRunning);
  }
  CHECK(world.attempt("mpi").rank_ends.size() == 3);
  CHECK(world.report("mpi", 1, RunnerPhase::kFinalizing) == 200);
  CHECK(world.world->run("mpi").status == RunStatus::kFinalizing);
  CHECK(world.report("mpi", 1, RunnerPhase::kDone, exited(0)) == 200);
  CHECK(world.world->run("mpi").status == RunStatus::kCompleted);
  CHECK(world.world->eventually([&] { return world.ranks("mpi").empty(); }));  // all work folders go
}

TEST_CASE("a rank that fails ends the others, and the run says which one it was") {
  Machine machine;
  World world(machine);
  REQUIRE(world.start("a", R"("nodeCount":3)", 3));
  for (const int64_t rank : {0, 1, 2}) CHECK(world.report("a", rank, RunnerPhase::kRunning) == 200);
  CHECK(world.report("a", 1, RunnerPhase::kDone, exited(7)) == 200);
  CHECK(world.world->run("a").status == RunStatus::kRunning);
  CHECK(world.is_asked_to_end("a", 0));
  CHECK(world.is_asked_to_end("a", 2));
  CHECK(world.report("a", 0, RunnerPhase::kDone, of_kind(RunEndKind::kCanceled)) == 200);
  CHECK(world.report("a", 2, RunnerPhase::kDone, exited(1)) == 200);  // it lost its peer
  const Run run = world.world->run("a");
  CHECK(run.status == RunStatus::kFailed);
  CHECK(run.end.exit_code == 7);
  CHECK(run.end.message == "Rank 1 of 3: The script ended with exit code 7.");
  CHECK(world.attempt("a").rank_ends.at(2).message == "It was ended because rank 1 had failed.");
  CHECK(world.why("a").find("Rank 0: It was ended because rank 1 had failed.") != std::string::npos);
}

TEST_CASE("a cancel ends all ranks") {
  Machine machine;
  World world(machine);
  REQUIRE(world.start("a", R"("nodeCount":2)", 2));
  for (const int64_t rank : {0, 1}) CHECK(world.report("a", rank, RunnerPhase::kRunning) == 200);
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/runs/a/cancel", kWorkspace)).status < 300);
  CHECK(world.is_asked_to_end("a", 0));
  CHECK(world.is_asked_to_end("a", 1));
  CHECK(world.report("a", 0, RunnerPhase::kDone, of_kind(RunEndKind::kCanceled)) == 200);
  CHECK(world.world->run("a").status == RunStatus::kCancelRequested);
  CHECK(world.report("a", 1, RunnerPhase::kDone, of_kind(RunEndKind::kCanceled)) == 200);
  CHECK(world.world->run("a").status == RunStatus::kCanceled);
}

TEST_CASE("a rank that is lost ends the run") {
  lifecycle::EngineConfig quick;
  quick.lease_silence = std::chrono::milliseconds(500);
  quick.tick = std::chrono::milliseconds(10);
  Machine machine;
  World world(machine, quick);
  REQUIRE(world.start("a", R"("nodeCount":2)", 2));
  machine.runners.end_runner("a", of_kind(RunEndKind::kLost), 1);
  CHECK(world.is_asked_to_end("a", 0));
  CHECK(world.report("a", 0, RunnerPhase::kDone, of_kind(RunEndKind::kCanceled)) == 200);
  REQUIRE(world.world->becomes("a", RunStatus::kFailed));
  CHECK(world.world->run("a").end.kind == RunEndKind::kLost);
  CHECK(world.world->run("a").end.message.starts_with("Rank 1 of 2: "));
}

TEST_CASE("all ranks start or none") {
  Machine machine;
  World world(machine);
  machine.runners.fail_next("start", Error{&errors::target_full, "the first rank's node was taken", "", {}});
  REQUIRE(world.start("again", R"("nodeCount":2)", 2));  // queued again, placed again
  CHECK(world.attempt("again").number == 2);
  CHECK(world.nodes_of("pool") == 2);
  for (const int64_t rank : {0, 1}) CHECK(world.report("again", rank, RunnerPhase::kDone, exited(0)) == 200);
  REQUIRE(world.world->becomes("again", RunStatus::kCompleted));
}

TEST_CASE("a run waits for all its nodes; a smaller one may go before it") {
  Machine machine;
  World world(machine);
  REQUIRE(world.start("first", R"("nodeCount":2)", 2));
  REQUIRE(world.submit("wide", R"("nodeCount":3)").status == 202);
  REQUIRE(world.world->becomes("wide", RunStatus::kQueued));
  REQUIRE(world.submit("small", R"("nodeCount":1)").status == 202);
  REQUIRE(world.world->eventually([&] { return world.ranks("small").size() == 1; }));
  CHECK(world.ranks("wide").empty());
  CHECK(world.why("wide").find("It needs 3 nodes at the same time") != std::string::npos);
  for (const int64_t rank : {0, 1}) CHECK(world.report("first", rank, RunnerPhase::kDone, exited(0)) == 200);
  REQUIRE(world.world->eventually([&] { return world.ranks("wide").size() == 3; }));
  CHECK(world.nodes_of("pool") == 4);
}

TEST_CASE("the ranks that are left are asked again to end where the first ask failed") {
  Machine machine;
  World world(machine);
  REQUIRE(world.start("a", R"("nodeCount":2)", 2));
  CHECK(world.report("a", 0, RunnerPhase::kRunning) == 200);
  machine.runners.fail_next("cancel", Error{&errors::unavailable, "the target does not answer", "", {}});
  CHECK(world.report("a", 0, RunnerPhase::kDone, exited(1)) == 200);
  CHECK(world.is_asked_to_end("a", 1));
  CHECK(world.report("a", 1, RunnerPhase::kDone, of_kind(RunEndKind::kCanceled)) == 200);
  CHECK(world.world->becomes("a", RunStatus::kFailed));
}

TEST_CASE("a server that comes back looks after each rank") {
  Machine machine;
  std::unique_ptr<store::Store> records;
  {
    World world(machine);
    REQUIRE(world.start("a", R"("nodeCount":3)", 3));
    CHECK(world.report("a", 0, RunnerPhase::kRunning) == 200);
    CHECK(world.report("a", 2, RunnerPhase::kDone, exited(0)) == 200);
    world.world->engine->stop();
    records = std::move(world.world->store);
  }
  machine.runners.end_runner("a", exited(4), 1);
  machine.runners.end_runner("a", of_kind(RunEndKind::kLost), 2);  // it has ended well before
  lifecycle::EngineConfig quick;
  quick.lease_silence = std::chrono::milliseconds(500);
  quick.tick = std::chrono::milliseconds(10);
  World world(machine, quick, std::move(records));
  CHECK(world.nodes_of("pool") == 3);
  CHECK(world.is_asked_to_end("a", 0));
  machine.runners.end_runner("a", of_kind(RunEndKind::kCanceled), 0);  // it cannot report: its token is the dead server's
  REQUIRE(world.world->becomes("a", RunStatus::kFailed));
  CHECK(world.world->run("a").end.message == "Rank 1 of 3: The script ended with exit code 4.");
}

TEST_CASE("what cannot be laid out is refused; several processes share the one node of other targets") {
  Machine machine;
  World world(machine);
  CHECK(world.submit("x", R"("nodeCount":5)").body.find("never_fits") != std::string::npos);
  const net::Response idle = world.submit("x", R"("nodeCount":3,"distribution":{"communicator":"Gloo","processCount":2})");
  CHECK(idle.body.find("2 processes were asked for on 3 nodes") != std::string::npos);
  CHECK(world.submit("x", R"("nodeCount":2)", "local").body.find("a run gets one node") != std::string::npos);
  CHECK(world.submit("both", kTwoPerNode, "local").status == 202);
  CHECK(world.world->eventually([&] { return world.local->started().size() == 2; }));
}
