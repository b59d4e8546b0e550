// A pool with real runners: what a run gets of its node, and that what is said of runs on targets holds for runs on nodes, too.
#include <sched.h>

#include "base/memory_group.hh"
#include "compute/pool/pool_target.hh"
#include "compute/pool/this_machine.hh"
#include "support/target_bench.hh"

namespace werkbank::test {
namespace {

struct NodeBench final : Bench {
  NodeBench() { open(); }
  ~NodeBench() override { pool.reset(); }
  ComputeTarget& target() override { return *pool; }
  void open() {
    compute::MachineFacts facts = compute::read_machine_facts();
    core = facts.cores.front();
    facts.cores = {core, core + 1000};  // the second one is nobody's: only the first node gets a real core
    facts.memory_mib = 512;
    facts.gpus = {0, 1};
    machine = compute::make_this_machine(facts);
    compute::PoolConfig config;
    config.name = "pool";
    config.folder = folder / "pool";
    config.provider = machine.get();
    config.runners = compute::make_local_target({folder / "work", WERKBANK_RUNNER_FOR_TESTS, folder / "environments", 2});
    compute::PoolSettings settings;
    settings.vm_size = "HALF_MACHINE";  // 1 core, 256 MiB, 1 GPU
    settings.max_nodes = 2;
    Result<std::unique_ptr<compute::ManagedTarget>> opened = compute::open_pool(std::move(config), settings);
    REQUIRE(opened);
    pool = std::move(*opened);
  }

  int core = 0;
  std::unique_ptr<compute::NodeProvider> machine;
  std::unique_ptr<compute::ManagedTarget> pool;
};

// More than a node has, in one process.
constexpr const char* kHungry = R"(
head -c 400000000 /dev/zero | tail -c 400000000 > /dev/null || exit $?
echo had it all
)";

TEST_CASE("a run on a node sees its cores and its GPUs, and leaves when it is told to") {
  NodeBench bench;
  const json::object handle =
      bench.start(bench.plan_for("grep Cpus_allowed_list /proc/self/status; echo gpus:$CUDA_VISIBLE_DEVICES"));
  REQUIRE(bench.server.wait_for_end());
  CHECK(driver_log(bench.server.records()) == "Cpus_allowed_list:\t" + std::to_string(bench.core) + "\ngpus:0\n");
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  CHECK(bench.target().remove(handle));
  CHECK(bench.pool->status().at("nodeStateCounts").as_object().at("idleNodeCount").as_int64() == 1);
}

TEST_CASE("a run does not get more memory than its node has") {
  NodeBench bench;
  const json::object handle = bench.start(bench.plan_for(kHungry));
  REQUIRE(bench.server.wait_for_end());
  const RunEnd end = *bench.server.records().end();
  CHECK(driver_log(bench.server.records()).find("had it all") == std::string::npos);
  if (memory_enforcement() == MemoryEnforcement::kEachProcess) {
    CHECK(end.kind == RunEndKind::kExitCode);
    CHECK(end.exit_code == 1);
  } else {
    CHECK(end.kind == RunEndKind::kOutOfMemory);
  }
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  const std::string group =
      read_file(WorkFolder{bench.folder / "work" / std::string(handle.at("folder").as_string())}.memory_group())
          .value_or(std::string());
  CHECK(bench.target().remove(handle));
  if (!group.empty()) CHECK_FALSE(std::filesystem::exists(group));
}

TEST_CASE("a run on a node that is killed leaves nobody, and its node is free") {
  NodeBench bench;
  const json::object handle = bench.start(bench.plan_for(kStubborn));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  CHECK(bench.pool->capacity(1)->free_slots == 1);
  CHECK(bench.target().kill(handle));
  CHECK(bench.processes().empty());
  CHECK(bench.state(handle) == RunnerState::kGone);
  CHECK(bench.target().remove(handle));
  CHECK(bench.target().remove(handle));
  CHECK(bench.pool->capacity(0)->free_slots == 2);
}

TEST_CASE("a pool that is opened again finds its run, and the run does not notice") {
  NodeBench bench;
  const json::object handle =
      bench.start(bench.plan_for("echo once >> \"$SIDE/starts\"; echo ready; while [ ! -e \"$SIDE/go\" ]; do sleep 0.02; done"));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  bench.pool.reset();
  bench.open();
  CHECK(bench.pool->status().at("nodeStateCounts").as_object().at("runningNodeCount").as_int64() == 1);
  CHECK(bench.state(handle) == RunnerState::kRunning);
  REQUIRE(write_file_atomically(bench.folder / "go", ""));
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.side_file("starts") == "once\n");
  CHECK(bench.target().remove(handle));
}

}  // namespace
}  // namespace werkbank::test
