// What a pool does with its nodes, on machines that the cases describe.
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "support/pool_world.hh"

namespace werkbank::test {
namespace {

using compute::PoolSettings;

constexpr const char* kOneCore = "STANDARD_D1_V2";  // 1 core, 3.5 GiB

PoolSettings settings_of(int64_t min_nodes, int64_t max_nodes, int64_t idle_seconds, const char* size = kOneCore) {
  PoolSettings settings;
  settings.vm_size = size;
  settings.min_nodes = min_nodes;
  settings.max_nodes = max_nodes;
  settings.idle_seconds_before_scaledown = idle_seconds;
  return settings;
}

struct World {
  explicit World(int cores = 4, int64_t memory_mib = 16 * 1024)
      : machine(compute::make_this_machine(machine_of(cores, memory_mib))) {
    runners.set_capabilities({.same_machine = true, .runs_at_once = 100});
  }

  std::unique_ptr<compute::ManagedTarget> open(const PoolSettings& settings, const std::string& name = "cluster") {
    compute::PoolConfig config;
    config.name = name;
    config.folder = folder.path / name;
    config.provider = machine.get();
    config.runners = std::make_unique<BorrowedRunners>(runners);
    Result<std::unique_ptr<compute::ManagedTarget>> pool = compute::open_pool(std::move(config), settings);
    REQUIRE(pool);
    compute::TargetEvents events;
    events.room_changed = [this] { notice({}); };
    events.preempted = [this](const RunKey& run, int64_t) { notice(run.run_id); };
    (*pool)->watch(events);
    return std::move(*pool);
  }
  void notice(const std::string& run_id) {
    const std::lock_guard lock(mutex);
    if (!run_id.empty()) preempted.push_back(run_id);
    changed.notify_all();
  }
  // Pools tell of each change; 20 s is the patience for one that hangs.
  template <typename IsSo>
  bool eventually(const IsSo& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_so()) {
      std::unique_lock lock(mutex);
      if (std::chrono::steady_clock::now() > deadline) return false;
      changed.wait_for(lock, std::chrono::milliseconds(20));
    }
    return true;
  }
  std::vector<std::string> preempted_runs() {
    const std::lock_guard lock(mutex);
    return preempted;
  }

  PoolFolder folder;
  std::unique_ptr<compute::NodeProvider> machine;
  ScriptedTarget runners;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> preempted;
};

LaunchPlan plan_of(const std::string& run_id, int64_t rank = 0, int64_t node = 0) {
  LaunchPlan plan;
  plan.run = {"default", run_id};
  plan.lease = "l";
  plan.command = "true";
  plan.rank = rank;
  plan.node = node;
  return plan;
}

int64_t number(const json::object& status, const char* key) { return status.at(key).as_int64(); }
int64_t counted(compute::ManagedTarget& pool, const char* key) {
  return pool.status().at("nodeStateCounts").as_object().at(key).as_int64();
}

TEST_CASE("a pool without runs has its least number of nodes, and grows with runs up to its most") {
  World world;
  const auto pool = world.open(settings_of(1, 3, 3600));
  REQUIRE(world.eventually([&] { return number(pool->status(), "currentNodeCount") == 1; }));
  CHECK(counted(*pool, "idleNodeCount") == 1);
  CHECK(pool->status().at("allocationState").as_string() == "Steady");
  CHECK(pool->capacity(0)->free_slots == 3);
  std::vector<json::object> handles;
  for (const char* const run : {"a", "b", "c"}) {
    const Result<json::object> handle = pool->start(plan_of(run));
    REQUIRE(handle);
    handles.push_back(*handle);
  }
  CHECK(number(pool->status(), "currentNodeCount") == 3);
  CHECK(counted(*pool, "runningNodeCount") == 3);
  const Result<compute::Capacity> full = pool->capacity(3);
  CHECK(full->free_slots == 0);
  CHECK(full->reason.find("max_nodes") != std::string::npos);
  // Each run has a core of its own.
  std::set<int> cores;
  for (const auto& started : world.runners.started()) {
    REQUIRE(started.plan.slice.cores.size() == 1);
    CHECK(started.plan.slice.memory_bytes == uint64_t{3584} << 20);
    CHECK(started.plan.variables.at("CUDA_VISIBLE_DEVICES").empty());
    cores.insert(started.plan.slice.cores[0]);
  }
  CHECK(cores.size() == 3);
  CHECK(pool->start(plan_of("a")).value() == handles[0]);  // said twice: the same node
  CHECK(number(pool->status(), "currentNodeCount") == 3);
  CHECK(pool->remove(handles[0]));
  CHECK(counted(*pool, "idleNodeCount") == 1);
  CHECK(pool->nodes().size() == 3);
}

TEST_CASE("idle nodes go when their time is over, down to the least number") {
  World world;
  const auto pool = world.open(settings_of(1, 3, 0));
  REQUIRE(world.eventually([&] { return number(pool->status(), "currentNodeCount") == 1; }));
  const json::object a = pool->start(plan_of("a")).value();
  const json::object b = pool->start(plan_of("b")).value();
  CHECK(number(pool->status(), "currentNodeCount") == 2);
  CHECK(pool->remove(a));
  CHECK(world.eventually([&] { return number(pool->status(), "currentNodeCount") == 1; }));
  CHECK(pool->remove(b));
  CHECK(world.eventually([&] { return counted(*pool, "idleNodeCount") == 1; }));
  ComputeTargetRecord record;
  record.settings = to_json(settings_of(0, 3, 0));
  CHECK(pool->update(record));
  CHECK(world.eventually([&] { return number(pool->status(), "currentNodeCount") == 0; }));
}

TEST_CASE("a server that comes back finds the nodes with runs, and no others") {
  World world;
  json::object handle;
  {
    const auto pool = world.open(settings_of(0, 3, 3600));
    handle = pool->start(plan_of("a")).value();
    const json::object ended = pool->start(plan_of("b")).value();
    CHECK(pool->remove(ended));
    world.runners.fail_next("start", Error{&errors::launch_failed, "no", "", {}});
    CHECK_FALSE(pool->start(plan_of("c")));
  }
  const auto pool = world.open(settings_of(0, 3, 3600));
  CHECK(counted(*pool, "runningNodeCount") == 1);
  CHECK(pool->start(plan_of("a")).value() == handle);
  CHECK(pool->recover(handle)->state == compute::RunnerState::kRunning);
  // Its core is taken: nobody else gets it.
  std::set<int> cores{world.runners.started("a")->plan.slice.cores[0]};
  for (const char* const run : {"d", "e"}) {
    REQUIRE(pool->start(plan_of(run)));
    CHECK(cores.insert(world.runners.started(run)->plan.slice.cores[0]).second);
  }
}

TEST_CASE("two pools share one machine: who comes second waits for room") {
  World world(2, 8 * 1024);
  const auto first = world.open(settings_of(0, 4, 0), "first");
  const auto second = world.open(settings_of(0, 4, 0), "second");
  CHECK(first->capacity(0)->free_slots == 2);
  const json::object a = first->start(plan_of("a")).value();
  const json::object b = first->start(plan_of("b")).value();
  const Result<compute::Capacity> none = second->capacity(0);
  CHECK(none->free_slots == 0);
  CHECK(none->reason.find("no room") != std::string::npos);
  const Result<json::object> refused = second->start(plan_of("c"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == &errors::target_full);
  CHECK(first->remove(a));
  CHECK(world.eventually([&] { return second->capacity(0)->free_slots == 1; }));
  CHECK(second->start(plan_of("c")));
  CHECK(first->remove(b));
}

TEST_CASE("a node that is idle does not keep others waiting, unless its pool has to keep it") {
  World world(1, 4 * 1024);
  const auto first = world.open(settings_of(0, 1, 3600), "first");
  const auto second = world.open(settings_of(0, 1, 3600), "second");
  const json::object a = first->start(plan_of("a")).value();
  CHECK(second->capacity(0)->free_slots == 0);
  CHECK(first->remove(a));
  CHECK(world.eventually([&] { return second->capacity(0)->free_slots == 1; }));
  const Result<json::object> b = second->start(plan_of("b"));
  REQUIRE(b);
  CHECK(number(first->status(), "currentNodeCount") == 0);
  ComputeTargetRecord record;
  record.settings = to_json(settings_of(1, 1, 3600));
  CHECK(second->update(record));
  CHECK(second->remove(*b));
  CHECK(first->capacity(0)->free_slots == 0);
}

TEST_CASE("low-priority nodes give way to dedicated ones, idle ones first") {
  World world(2, 8 * 1024);
  PoolSettings cheap = settings_of(0, 2, 3600);
  cheap.low_priority = true;
  const auto low = world.open(cheap, "low");
  const auto dedicated = world.open(settings_of(0, 2, 3600), "dedicated");
  const json::object kept = low->start(plan_of("kept")).value();
  const json::object idle = low->start(plan_of("ended")).value();
  CHECK(low->remove(idle));
  CHECK(dedicated->capacity(0)->free_slots == 2);
  REQUIRE(dedicated->start(plan_of("first")));
  CHECK(world.preempted_runs().empty());
  // The next one takes the node of a run, as soon as this has gone.
  std::thread other([&] {
    if (!world.eventually([&] { return !world.preempted_runs().empty(); })) return;
    (void)low->kill(kept);
    (void)low->remove(kept);
  });
  const Result<json::object> second = dedicated->start(plan_of("second"));
  other.join();
  CHECK(second);
  CHECK_FALSE(low->start(plan_of("kept")));
  CHECK(world.preempted_runs() == std::vector<std::string>{"kept"});
  CHECK(number(low->status(), "currentNodeCount") == 0);
  CHECK(low->capacity(0)->free_slots == 0);
}

TEST_CASE("the processes of a run that belong together share their node") {
  World world;
  const auto pool = world.open(settings_of(0, 2, 3600));
  const json::object first = pool->start(plan_of("a", 0, 0)).value();
  const json::object second = pool->start(plan_of("a", 1, 0)).value();
  const json::object third = pool->start(plan_of("a", 2, 1)).value();
  CHECK(number(pool->status(), "currentNodeCount") == 2);
  CHECK(pool->remove(first));
  CHECK(counted(*pool, "runningNodeCount") == 2);
  CHECK(pool->remove(second));
  CHECK(counted(*pool, "idleNodeCount") == 1);
  CHECK(pool->remove(third));
}

std::vector<LaunchPlan> plans_of(const std::string& run_id, int64_t nodes) {
  std::vector<LaunchPlan> plans;
  for (int64_t node = 0; node < nodes; ++node) plans.push_back(plan_of(run_id, node, node));
  return plans;
}

TEST_CASE("a run of several nodes gets all of them or none, and two of them do not wait for each other") {
  World world(4);
  const auto first = world.open(settings_of(0, 4, 3600), "first");
  const auto second = world.open(settings_of(0, 4, 3600), "second");
  CHECK(first->capabilities().several_nodes);
  CHECK_FALSE(first->capabilities().may_overbook);
  const Result<std::vector<json::object>> three = first->start_all(plans_of("three", 3));
  REQUIRE(three);
  CHECK(three->size() == 3);
  CHECK(number(first->status(), "currentNodeCount") == 3);
  // One core is left: the second one takes nothing while it waits, so that others may have it.
  const Result<std::vector<json::object>> two = second->start_all(plans_of("two", 2));
  REQUIRE_FALSE(two);
  CHECK(two.error().code == &errors::target_full);
  CHECK(number(second->status(), "currentNodeCount") == 0);
  CHECK(first->start_all(plans_of("three", 3)).value() == *three);  // said twice
  CHECK(number(first->status(), "currentNodeCount") == 3);
  // Idle nodes of the one go as soon as the other needs them.
  for (const json::object& handle : *three) CHECK(first->remove(handle));
  CHECK(second->start_all(plans_of("two", 2)));
  CHECK(second->start_all(plans_of("more", 2)));
  CHECK(number(first->status(), "currentNodeCount") == 0);
}

TEST_CASE("a run of several nodes whose rank cannot be started gives them all back") {
  World world(4);
  const auto pool = world.open(settings_of(0, 4, 3600));
  const json::object other = pool->start(plan_of("other")).value();
  REQUIRE(pool->start(plan_of("a", 0, 0)));  // it was begun by a server that died
  world.runners.fail_next("start", Error{&errors::launch_failed, "no", "", {}});
  CHECK_FALSE(pool->start_all(plans_of("a", 2)));
  CHECK(counted(*pool, "runningNodeCount") == 1);
  CHECK(world.runners.started("a")->removed);
  CHECK(pool->start_all(plans_of("a", 2)));
  CHECK(counted(*pool, "runningNodeCount") == 3);
  CHECK(pool->remove(other));
}

TEST_CASE("a deleted pool leaves nothing, and its room is others'") {
  World world(1, 4 * 1024);
  const auto first = world.open(settings_of(1, 1, 3600), "first");
  REQUIRE(world.eventually([&] { return number(first->status(), "currentNodeCount") == 1; }));
  const auto second = world.open(settings_of(0, 1, 3600), "second");
  CHECK(second->capacity(0)->free_slots == 0);
  CHECK(first->close());
  CHECK(first->close());
  CHECK_FALSE(std::filesystem::exists(world.folder.path / "first"));
  CHECK(second->capacity(0)->free_slots == 1);
  CHECK_FALSE(first->start(plan_of("a")));
}

TEST_CASE("what can never fit is refused with the limit") {
  World world(2, 8 * 1024);
  const auto refusal = [&](const char* size) {
    const Result<compute::VmSize> found = world.machine->find_size(size);
    return found ? std::string("fits") : std::string(found.error().code->id) + ": " + found.error().message;
  };
  CHECK(refusal("standard_d2_v2") == "fits");
  CHECK(refusal("STANDARD_D2_V3") == "fits");  // 8 GiB
  CHECK(refusal("STANDARD_D4_V2").starts_with("never_fits: a node of vm_size STANDARD_D4_V2 needs 8 cores"));
  CHECK(refusal("STANDARD_E2_V3").find("16384 MiB of memory, and this machine has 8192") != std::string::npos);
  CHECK(refusal("STANDARD_NC6").starts_with("never_fits"));
  CHECK(refusal("STANDARD_D2V2")
            .starts_with("vm_size_unknown: there is no vm_size \"STANDARD_D2V2\"; did you mean STANDARD_D2_V2"));
  const auto pool = world.open(settings_of(0, 3, 0));
  CHECK(pool->check_nodes(2));
  CHECK(pool->check_nodes(3).error().message.find("has room for 2") != std::string::npos);
  CHECK(pool->check_nodes(4).error().message.find("max_nodes") != std::string::npos);
}

TEST_CASE("settings are read whole, texts for numbers included") {
  const auto read = [](const char* text) {
    const Result<PoolSettings> settings = compute::pool_settings_from_json(parse_json(text)->as_object());
    return settings ? json::serialize(to_json(*settings)) : settings.error().message;
  };
  CHECK(read(R"({"vmSize":"STANDARD_D2_V2","maxNodes":"4","minNodes":1,"idleSecondsBeforeScaledown":"300"})") ==
        R"({"vmSize":"STANDARD_D2_V2","vmPriority":"dedicated","minNodes":1,"maxNodes":4,"idleSecondsBeforeScaledown":300,)"
        R"("deleteWithRuns":false,"adminUsername":"","remoteLoginPortPublicAccess":"NotSpecified","identityType":"",)"
        R"("identityIds":[]})");
  CHECK(read(R"({"maxNodes":4})").find("vmSize") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","minNodes":5})").find("minNodes: is 5, more than maxNodes, which is 4") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","minNodes":-1})").find("from 0 to") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","maxNodes":"four"})").find("no whole number") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","vmPriority":"cheap"})").find("neither dedicated nor lowpriority") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","maxnodes":1})").find("maxnodes") != std::string::npos);
  CHECK(read(R"({"vmSize":"x","vnetName":"mynet"})").find("mynet") != std::string::npos);
}

}  // namespace
}  // namespace werkbank::test
