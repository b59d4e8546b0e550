// Quotas on the wired server: what can never be is refused at once, what has to wait says for what.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "access/tokens.hh"
#include "support/pool_world.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kWorkspace = "/api/v1/workspaces/default";

struct World {
  World() : provider(compute::make_this_machine(test::machine_of(8, 64 * 1024))) {
    runners.set_capabilities({.same_machine = true, .runs_at_once = 100});
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
    targets.emplace("local", std::make_unique<test::BorrowedRunners>(runners));
    world = std::make_unique<test::TestWorld>(std::move(targets));
    compute::AmlComputeConfig pools;
    pools.folder = folder.path;
    pools.provider = provider.get();
    pools.make_runners = [this](const std::filesystem::path&) { return std::make_unique<test::BorrowedRunners>(runners); };
    world->targets.add_kind(compute::make_aml_compute(std::move(pools)));
    REQUIRE(world->engine->start().has_value());
    const std::string pool = R"({"name":"pool","kind":"AmlCompute","settings":{"vmSize":"STANDARD_D2_V2","maxNodes":4}})";
    REQUIRE(world->ask(Method::kPost, fmt::format("{}/compute", kWorkspace), pool).status == 201);
  }

  net::Response set(const std::string& change, const std::string& token = {}) {
    std::optional<net::Peer> peer;
    if (!token.empty()) peer = net::Peer{false, 0, "127.0.0.1:9"};
    return world->ask(Method::kPatch, "/api/v1/quotas/default", change, token, peer);
  }
  net::Response submit(const std::string& id, const std::string& target, const std::string& token = {}) {
    std::optional<net::Peer> peer;
    if (!token.empty()) peer = net::Peer{false, 0, "127.0.0.1:9"};
    return world->ask(Method::kPost, fmt::format("{}/runs", kWorkspace),
                      fmt::format(R"({{"experiment":"e","runId":"{}","spec":{{"command":"true","target":"{}",)"
                                  R"("environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                                  id, target),
                      token, peer);
  }
  bool starts(const std::string& id) {
    return world->eventually([&] { return runners.started(id).has_value(); });
  }
  std::string why(const std::string& id) { return world->ask(Method::kGet, fmt::format("{}/runs/{}/why", kWorkspace, id)).body; }
  json::value quota() { return parse_json(world->ask(Method::kGet, fmt::format("{}/quota", kWorkspace)).body).value(); }
  void end(const std::string& id) {
    const LaunchPlan plan = runners.started(id)->plan;
    RunnerReport told;
    told.attempt = plan.attempt;
    told.lease = plan.lease;
    told.phase = RunnerPhase::kDone;
    told.end.kind = RunEndKind::kExitCode;
    CHECK(world
              ->ask(Method::kPost, fmt::format("{}/runs/{}/runner/report", kWorkspace, id), json::serialize(to_json(told)),
                    plan.token.reveal())
              .status == 200);
  }
  std::string token_of(const std::string& user, Role role) {
    const Secret text = access::new_token();
    store::TokenRecord record;
    record.id = record.user = user;
    record.hash = access::hash_token(text.reveal());
    record.workspace = "default";
    record.role = role;
    const Status written = sync_wait(world->store->write([record](store::Transaction& transaction) -> Status {
      CHECK_OK(transaction.put_member({record.workspace, record.user, record.role}));
      return transaction.put_token(record);
    }));
    REQUIRE(written.has_value());
    return text.reveal();
  }

  test::PoolFolder folder;
  test::ScriptedTarget runners;
  std::unique_ptr<compute::NodeProvider> provider;
  std::unique_ptr<test::TestWorld> world;
};

}  // namespace

TEST_CASE("runs beyond a quota wait, and say for what") {
  World world;
  REQUIRE(world.set(R"({"workspace":{"cores":3}})").status == 200);
  REQUIRE(world.submit("a", "pool").status == 202);
  REQUIRE(world.starts("a"));
  CHECK(world.quota().at("use").at("workspace").at("cores").as_int64() == 2);
  CHECK(world.quota().at("limits").at("workspace").at("cores").as_int64() == 3);
  REQUIRE(world.submit("b", "pool").status == 202);
  REQUIRE(world.world->becomes("b", RunStatus::kQueued));
  CHECK(world.world->eventually([&] {
    return world.why("b").find("the quota of the workspace is 3 cores: 2 in use, 2 more wanted") != std::string::npos;
  }));
  REQUIRE(world.submit("beside", "local").status == 202);  // it takes none
  CHECK(world.starts("beside"));
  CHECK_FALSE(world.runners.started("b").has_value());
  world.end("a");
  CHECK(world.starts("b"));
  // A raised limit lets runs in at once.
  REQUIRE(world.submit("c", "pool").status == 202);
  REQUIRE(world.world->becomes("c", RunStatus::kQueued));
  REQUIRE(world.set(R"({"workspace":{"cores":null}})").status == 200);
  CHECK(world.starts("c"));
}

TEST_CASE("what a quota can never allow is refused at once, with the limit, the use and the command") {
  World world;
  REQUIRE(world.set(R"({"workspace":{"cores":1}})").status == 200);
  const net::Response refused = world.submit("never", "pool");
  CHECK(refused.status == 400);
  CHECK(refused.body.find("quota_exceeded") != std::string::npos);
  CHECK(refused.body.find("the quota of the workspace is 1 cores: 0 in use, 2 more wanted") != std::string::npos);
  CHECK(refused.body.find("werkbank quota set --cores N") != std::string::npos);
  CHECK(world.submit("other", "local").status == 202);
  REQUIRE(world.set(R"({"workspace":{"cores":null,"diskMib":0}})").status == 200);
  CHECK(world.submit("full", "local").body.find("0 MiB of disk") != std::string::npos);
}

TEST_CASE("a user's quota leaves the others alone, and its workspace's owner cannot raise it") {
  World world;
  const std::string ann = world.token_of("ann", Role::kOwner);
  const std::string bob = world.token_of("bob", Role::kContributor);
  REQUIRE(world.set(R"({"eachUser":{"runs":1},"users":{"bob":{"runs":2}}})").status == 200);
  for (const char* const id : {"ann-1", "ann-2"}) REQUIRE(world.submit(id, "local", ann).status == 202);
  for (const char* const id : {"bob-1", "bob-2"}) REQUIRE(world.submit(id, "local", bob).status == 202);
  CHECK(world.starts("ann-1"));
  CHECK(world.starts("bob-2"));
  CHECK(world.world->eventually([&] { return world.why("ann-2").find("the quota of user \\\"ann\\\"") != std::string::npos; }));
  CHECK_FALSE(world.runners.started("ann-2").has_value());
  CHECK(world.quota().at("use").at("users").at("bob").at("runs").as_int64() == 2);
  CHECK(world.set(R"({"eachUser":{"runs":9}})", ann).status == 403);
  world.end("ann-1");
  CHECK(world.starts("ann-2"));
}

TEST_CASE("limits that are none change nothing") {
  World world;
  CHECK(world.set(R"({"workspace":{"cores":-1}})").status == 400);
  CHECK(world.set(R"({"workspace":{"cpus":1}})").status == 400);
  CHECK(world.set(R"({"everybody":{}})").status == 400);
  CHECK(world.world->ask(Method::kPatch, "/api/v1/quotas/nowhere", R"({"workspace":{"cores":1}})").status == 404);
  CHECK(world.quota().at("limits").at("workspace").at("cores").is_null());
}
