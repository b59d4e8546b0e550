// Compute targets that users make, on the wired server: their records, what becomes of runs on them, and a server that comes
// back.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/pool_world.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kWorkspace = "/api/v1/workspaces/default";

// What outlives a server: the machine's runners, the folders of the pools, the records.
struct Machine {
  explicit Machine(int cores = 4) : facts(test::machine_of(cores, 4096 * cores)) {
    compute::Capabilities capabilities;
    capabilities.same_machine = true;
    capabilities.runs_at_once = 100;
    runners.set_capabilities(capabilities);
  }
  test::PoolFolder folder;
  compute::MachineFacts facts;
  test::ScriptedTarget runners;
};

struct World {
  explicit World(Machine& on, std::unique_ptr<store::Store> store = store::make_memory_store())
      : provider(compute::make_this_machine(on.facts)) {
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> own;
    own.emplace("local", std::make_unique<test::ScriptedTarget>());
    world = std::make_unique<test::TestWorld>(std::move(own), lifecycle::EngineConfig{}, std::move(store));
    compute::AmlComputeConfig pools;
    pools.folder = on.folder.path;
    pools.provider = provider.get();
    pools.make_runners = [&on](const std::filesystem::path&) { return std::make_unique<test::BorrowedRunners>(on.runners); };
    world->targets.add_kind(compute::make_aml_compute(std::move(pools)));
    REQUIRE(world->engine->start().has_value());
  }

  net::Response ask(Method method, const std::string& path, const std::string& body = {}) {
    return world->ask(method, kWorkspace + path, body);
  }
  json::value answer(Method method, const std::string& path, int status, const std::string& body = {}) {
    const net::Response response = ask(method, path, body);
    CAPTURE(response.body);
    REQUIRE(response.status == status);
    return response.body.empty() ? json::value() : parse_json(response.body).value();
  }
  net::Response make(const std::string& name, const std::string& settings) {
    return ask(Method::kPost, "/compute", fmt::format(R"({{"name":"{}","kind":"AmlCompute","settings":{}}})", name, settings));
  }
  int submit(const std::string& id, const std::string& target, const std::string& more = {}) {
    return ask(Method::kPost, "/runs",
               fmt::format(R"({{"experiment":"e","runId":"{}","spec":{{"command":"true","target":"{}"{},)"
                           R"("environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                           id, target, more))
        .status;
  }
  Run run(const std::string& id) { return world->run(id); }
  template <typename Condition>
  bool eventually(Condition condition) {
    return world->eventually(std::move(condition));
  }
  bool becomes(const std::string& id, RunStatus status) { return world->becomes(id, status); }
  // The newest attempt's plan.
  std::optional<LaunchPlan> plan_of(Machine& machine, const std::string& id) {
    std::optional<LaunchPlan> plan;
    for (const test::ScriptedTarget::Started& started : machine.runners.started()) {
      const bool is_newer = started.plan.run.run_id == id && (!plan || started.plan.attempt > plan->attempt);
      if (is_newer && !started.removed) plan = started.plan;
    }
    return plan;
  }
  bool starts(Machine& machine, const std::string& id) {
    return eventually([&] { return plan_of(machine, id).has_value(); });
  }
  void end(Machine& machine, const std::string& id) {
    const LaunchPlan plan = *plan_of(machine, id);
    RunnerReport told;
    told.attempt = plan.attempt;
    told.lease = plan.lease;
    told.phase = RunnerPhase::kDone;
    told.end.kind = RunEndKind::kExitCode;
    const net::Response response = world->ask(Method::kPost, fmt::format("{}/runs/{}/runner/report", kWorkspace, id),
                                              json::serialize(to_json(told)), plan.token.reveal());
    CAPTURE(response.body);
    CHECK(response.status == 200);
  }

  std::unique_ptr<compute::NodeProvider> provider;
  std::unique_ptr<test::TestWorld> world;
};

int64_t nodes_of(World& world, const std::string& name) {
  return world.answer(Method::kGet, "/compute/" + name, 200).at("status").at("currentNodeCount").as_int64();
}

}  // namespace

TEST_CASE("a pool is made, runs a run, shrinks and is deleted") {
  Machine machine;
  World world(machine);
  REQUIRE(world.make("cpucluster", R"({"vmSize":"standard_d1_v2","maxNodes":"2","idleSecondsBeforeScaledown":0})").status == 201);
  const json::value made = world.answer(Method::kGet, "/compute/cpucluster", 200);
  CHECK(made.at("kind").as_string() == "AmlCompute");
  CHECK(made.at("settings").at("vmSize").as_string() == "STANDARD_D1_V2");
  CHECK(made.at("status").at("currentNodeCount").as_int64() == 0);
  CHECK(world.answer(Method::kGet, "/compute", 200).at("items").as_array().size() == 2);

  REQUIRE(world.submit("a", "cpucluster") == 202);
  REQUIRE(world.starts(machine, "a"));
  CHECK(nodes_of(world, "cpucluster") == 1);
  CHECK(world.run("a").properties.at("_azureml.ComputeTargetType") == "amlcompute");
  const json::value nodes = world.answer(Method::kGet, "/compute/cpucluster/nodes", 200).at("items");
  CHECK(nodes.as_array().at(0).at("runId").as_string() == "a");
  const net::Response refused = world.ask(Method::kDelete, "/compute/cpucluster");
  CHECK(refused.status == 409);
  CHECK(refused.body.find("target_in_use") != std::string::npos);
  CHECK(refused.body.find("a (") != std::string::npos);

  world.end(machine, "a");
  REQUIRE(world.becomes("a", RunStatus::kCompleted));
  CHECK(world.eventually([&] { return nodes_of(world, "cpucluster") == 0; }));
  world.answer(Method::kDelete, "/compute/cpucluster", 204);
  CHECK(world.ask(Method::kDelete, "/compute/cpucluster").body.find("target_unknown") != std::string::npos);
  CHECK(world.submit("b", "cpucluster") == 400);
  CHECK(std::filesystem::is_empty(machine.folder.path));
}

TEST_CASE("what cannot be is refused whole, naming what is wrong") {
  Machine machine;
  World world(machine);
  const auto refusal = [&](const std::string& name, const std::string& settings) {
    const net::Response response = world.make(name, settings);
    CHECK(response.status >= 400);
    return response.body;
  };
  CHECK(refusal("amlcompute", R"({"vmSize":"STANDARD_D1_V2"})").find("name_refused") != std::string::npos);
  CHECK(refusal("local", R"({"vmSize":"STANDARD_D1_V2"})").find("name_refused") != std::string::npos);
  CHECK(refusal("1x", R"({"vmSize":"STANDARD_D1_V2"})").find("name_refused") != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"STANDARD_D2V2"})").find("STANDARD_D2_V2") != std::string::npos);
  const std::string several = refusal("pool", R"({"vmSize":"standard_d3_v22"})");
  for (const char* const near : {"STANDARD_D3_V2", "STANDARD_D13_V2"}) CHECK(several.find(near) != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"huge"})").find("STANDARD_D2_V2") != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"STANDARD_NC6"})").find("never_fits") != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"STANDARD_D1_V2","minNodes":3,"maxNodes":2})").find("minNodes") != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"STANDARD_D1_V2","minNodes":9,"maxNodes":9})").find("never_fits") != std::string::npos);
  CHECK(refusal("pool", R"({"vmSize":"STANDARD_D1_V2","vnetName":"net"})").find("network_unknown") != std::string::npos);
  CHECK(world.ask(Method::kPost, "/compute", R"({"name":"vm","kind":"RemoteCompute"})").body.find("not_supported") !=
        std::string::npos);
  CHECK(world.answer(Method::kGet, "/compute", 200).at("items").as_array().size() == 1);
}

TEST_CASE("making a pool again changes it; one of another make is refused") {
  Machine machine;
  World world(machine);
  REQUIRE(world.make("pool", R"({"vmSize":"STANDARD_D1_V2","maxNodes":1})").status == 201);
  const std::string id(world.answer(Method::kGet, "/compute/pool", 200).at("id").as_string());
  CHECK(world.make("pool", R"({"vmSize":"STANDARD_D1_V2","maxNodes":3})").status == 200);
  CHECK(world.make("pool", R"({"vmSize":"STANDARD_D2_V2"})").status == 409);
  const json::value now = world.answer(Method::kGet, "/compute/pool", 200);
  CHECK(now.at("id").as_string() == id);
  CHECK(now.at("settings").at("maxNodes").as_int64() == 3);
  world.answer(Method::kPatch, "/compute/pool", 200, R"({"settings":{"minNodes":1},"tags":{"team":"digits"}})");
  CHECK(world.eventually([&] { return nodes_of(world, "pool") == 1; }));
  CHECK(world.ask(Method::kPatch, "/compute/pool", R"({"settings":{"vmSize":"STANDARD_D2_V2"}})").status == 400);
  CHECK(world.ask(Method::kPatch, "/compute/pool", R"({"settings":{"minNodes":4}})").status == 400);
  CHECK(world.ask(Method::kPatch, "/compute/local", R"({"settings":{}})").body.find("not_supported") != std::string::npos);
  CHECK(world.answer(Method::kGet, "/compute/pool", 200).at("tags").at("team").as_string() == "digits");
}

TEST_CASE("a target is its workspace's own") {
  Machine machine;
  World world(machine);
  REQUIRE(world.make("pool", R"({"vmSize":"STANDARD_D1_V2"})").status == 201);
  CHECK(world.world->ask(Method::kGet, "/api/v1/workspaces/other/compute/pool").status == 400);
  CHECK(
      world.world
          ->ask(
              Method::kPost, "/api/v1/workspaces/other/runs",
              R"({"experiment":"e","spec":{"command":"true","target":"pool","environment":{"interpreter":"/usr/bin/python3"}}})")
          .status == 400);
  CHECK(world.world->ask(Method::kGet, "/api/v1/compute").body.find("pool") == std::string::npos);
  CHECK(world.world
            ->ask(Method::kPost, "/api/v1/workspaces/other/compute",
                  R"({"name":"pool","kind":"amlcompute","settings":{"vmSize":"STANDARD_D2_V2"}})")
            .status == 201);
  CHECK(world.world->ask(Method::kDelete, "/api/v1/workspaces/other").status == 204);
  CHECK(world.answer(Method::kGet, "/compute/pool", 200).at("settings").at("vmSize").as_string() == "STANDARD_D1_V2");
}

TEST_CASE("a server that comes back finds its targets, and the runs on them") {
  Machine machine;
  std::unique_ptr<store::Store> records;
  {
    World world(machine);
    REQUIRE(world.make("pool", R"({"vmSize":"STANDARD_D1_V2","maxNodes":1})").status == 201);
    REQUIRE(world.submit("a", "pool") == 202);
    REQUIRE(world.starts(machine, "a"));
    REQUIRE(world.eventually([&] {
      return world.answer(Method::kGet, "/compute/pool", 200).at("status").at("nodeStateCounts").at("runningNodeCount") == 1;
    }));
    REQUIRE(world.submit("b", "pool") == 202);
    REQUIRE(world.becomes("b", RunStatus::kQueued));
    world.world->engine->stop();
    records = std::move(world.world->store);
  }
  World world(machine, std::move(records));
  CHECK(nodes_of(world, "pool") == 1);
  CHECK(world.run("b").status == RunStatus::kQueued);
  CHECK(world.eventually([&] {
    return world.ask(Method::kGet, "/runs/b/why").body.find("max_nodes") != std::string::npos;  // after the first placement
  }));
  CHECK(world.ask(Method::kPost, "/runs/a/cancel").status < 300);
  CHECK(world.eventually([&] { return machine.runners.started("a")->cancel_asked; }));
}

TEST_CASE("a run on a low-priority node gives way to a dedicated one, and is run again") {
  Machine machine(1);
  World world(machine);
  REQUIRE(world.make("cheap", R"({"vmSize":"STANDARD_D1_V2","maxNodes":1,"vmPriority":"lowpriority"})").status == 201);
  REQUIRE(world.make("dedicated", R"({"vmSize":"STANDARD_D1_V2","maxNodes":1,"idleSecondsBeforeScaledown":0})").status == 201);
  REQUIRE(world.submit("low", "cheap") == 202);
  REQUIRE(world.starts(machine, "low"));
  REQUIRE(world.submit("high", "dedicated") == 202);
  REQUIRE(world.starts(machine, "high"));
  CHECK(world.becomes("low", RunStatus::kQueued));
  CHECK_FALSE(world.run("low").warnings.empty());
  CHECK(world.eventually([&] { return nodes_of(world, "cheap") == 0; }));
  world.end(machine, "high");
  REQUIRE(world.becomes("high", RunStatus::kCompleted));
  REQUIRE(world.starts(machine, "low"));
  CHECK(world.plan_of(machine, "low")->attempt > 1);
  world.end(machine, "low");
  CHECK(world.becomes("low", RunStatus::kCompleted));
}

TEST_CASE("a run brings its pool along, which goes with it or is retained") {
  Machine machine;
  World world(machine);
  const auto submit = [&](const std::string& id, const std::string& pool) {
    return world.ask(Method::kPost, "/runs",
                     fmt::format(R"({{"experiment":"e","runId":"{}","pool":{},"spec":{{"command":"true","target":"amlcompute",)"
                                 R"("environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                                 id, pool));
  };
  CHECK(submit("none", "{}").body.find("vmSize") != std::string::npos);
  CHECK(submit("huge", R"({"vmSize":"STANDARD_NC6"})").body.find("never_fits") != std::string::npos);
  CHECK(submit("odd", R"({"vmSize":"STANDARD_D1_V2","nodes":1})").status == 400);
  CHECK(world.answer(Method::kGet, "/compute", 200).at("items").as_array().size() == 1);

  REQUIRE(submit("a", R"({"vmSize":"STANDARD_D1_V2","vmPriority":"lowpriority"})").status == 202);
  REQUIRE(world.starts(machine, "a"));
  const std::string pool = world.run("a").target;
  CHECK(pool.starts_with("amlcompute-"));
  const json::value made = world.answer(Method::kGet, "/compute/" + pool, 200);
  CHECK(made.at("settings").at("vmPriority").as_string() == "lowpriority");
  CHECK(made.at("settings").at("maxNodes").as_int64() == 1);
  world.end(machine, "a");
  REQUIRE(world.becomes("a", RunStatus::kCompleted));
  CHECK(world.eventually([&] { return world.ask(Method::kGet, "/compute/" + pool).status == 400; }));

  REQUIRE(submit("b", R"({"vmSize":"STANDARD_D1_V2","name":"mine","retain":true,"maxNodes":2})").status == 202);
  REQUIRE(world.starts(machine, "b"));
  world.end(machine, "b");
  REQUIRE(world.becomes("b", RunStatus::kCompleted));
  REQUIRE(submit("c", R"({"vmSize":"STANDARD_D1_V2","name":"mine","retain":true,"maxNodes":2})").status == 202);
  CHECK(world.run("c").target == "mine");
  CHECK(world.answer(Method::kGet, "/compute/mine", 200).at("settings").at("maxNodes").as_int64() == 2);
}
