// A target on a work bench: with a recording server beside it, in a folder of its own, and nobody left when it goes. For the
// suites of tests/contract/compute_target*.cc.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>

#include <thread>

#include "base/process_tree.hh"
#include "compute/local/local_target.hh"
#include "compute/pool/pool_target.hh"
#include "compute/pool/this_machine.hh"
#include "domain/work_folder.hh"
#include "support/recording_server.hh"
#include "support/scripted_target.hh"

namespace werkbank::test {

using compute::ComputeTarget;
using compute::RunnerState;
using compute::RunnerStatus;
using std::chrono::milliseconds;
using Records = RecordingServer::Records;

// One target with a server beside it, in a folder of its own.
struct Bench {
  Bench() : folder(std::filesystem::temp_directory_path() / ("wb_target_" + random_hex(6))), server(folder) {}
  virtual ~Bench() {
    ProcessSelection left;
    left.variable = kAttemptMarkVariable;
    left.value = lease;
    CHECK(end_processes(left, {milliseconds(0), std::chrono::seconds(20)}));
    CHECK(remove_tree(folder));
  }
  virtual ComputeTarget& target() = 0;

  // A run of this shell text, in the snapshot as job.sh.
  LaunchPlan plan_for(const std::string& text) {
    LaunchPlan plan;
    plan.run = {"default", "../odd run/äß"};  // a run's id is never part of a path
    plan.experiment = "digits";
    plan.lease = lease;
    plan.token = Secret("token");
    plan.server_url = server.url();
    plan.blob_folder = server.blob_folder();
    plan.snapshot_id = server.put_snapshot({{"job.sh", text}, {"lib/tool*", "#!/bin/sh\necho tool\n"}});
    plan.script = "job.sh";
    plan.environment.interpreter = "/bin/sh";
    plan.variables = {{"PATH", "/usr/bin:/bin"}, {"SIDE", folder.native()}};
    plan.watched_directories = {"logs"};
    plan.kill_grace_ms = 200;
    return plan;
  }
  json::object start(const LaunchPlan& plan) {
    const Result<json::object> handle = target().start(plan);
    REQUIRE(handle);
    return *handle;
  }
  RunnerState state(const json::object& handle) {
    const Result<RunnerStatus> status = target().recover(handle);
    REQUIRE(status);
    return status->state;
  }
  std::vector<ProcessId> processes() const {
    ProcessSelection selection;
    selection.variable = kAttemptMarkVariable;
    selection.value = lease;
    return find_processes(selection);
  }
  std::string side_file(const std::string& name) const { return read_file(folder / name).value_or(std::string()); }

  std::filesystem::path folder;
  RecordingServer server;
  const std::string lease = random_hex(16);
};

struct LocalBench final : Bench {
  LocalBench() { open(); }
  ~LocalBench() override { local.reset(); }
  ComputeTarget& target() override { return *local; }
  void open(const std::string& binary = WERKBANK_RUNNER_FOR_TESTS) {
    local = compute::make_local_target({folder / "work", binary, folder / "environments", 2});
  }
  WorkFolder work_of(const json::object& handle) const {
    return {folder / "work" / std::string(handle.at("folder").as_string())};
  }

  std::unique_ptr<ComputeTarget> local;
};

struct ScriptedBench final : Bench {
  ComputeTarget& target() override { return scripted; }
  ScriptedTarget scripted;
};

// A pool of two nodes whose runners are scripted.
struct PoolBench final : Bench {
  PoolBench() {
    compute::PoolConfig config;
    config.name = "pool";
    config.folder = folder / "pool";
    config.provider = machine.get();
    config.runners = std::make_unique<ScriptedTarget>();
    compute::PoolSettings settings;
    settings.vm_size = "STANDARD_D1_V2";
    settings.max_nodes = 2;
    Result<std::unique_ptr<compute::ManagedTarget>> opened = compute::open_pool(std::move(config), settings);
    REQUIRE(opened);
    pool = std::move(*opened);
  }
  ~PoolBench() override { pool.reset(); }
  ComputeTarget& target() override { return *pool; }
  std::unique_ptr<compute::NodeProvider> machine = compute::make_this_machine({{0, 1}, 8192, {}});
  std::unique_ptr<compute::ManagedTarget> pool;
};

template <typename IsSo>
bool eventually(const IsSo& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (is_so()) return true;
    std::this_thread::yield();
  }
  return false;
}

inline std::function<bool(const Records&)> log_holds(const std::string& text) {
  return [text](const Records& records) {
    const auto log = records.logs.find("azureml-logs/70_driver_log.txt");
    return log != records.logs.end() && log->second.find(text) != log->second.npos;
  };
}

inline std::string driver_log(const Records& records) {
  const auto log = records.logs.find("azureml-logs/70_driver_log.txt");
  return log == records.logs.end() ? "" : log->second;
}

inline void kill_hard(const std::filesystem::path& record_file) {
  const Result<std::optional<ProcessRecord>> record = read_process_record(record_file);
  REQUIRE(record);
  REQUIRE(record->has_value());
  REQUIRE(signal_process((*record)->id, SIGKILL));
  REQUIRE(eventually([&] { return !is_alive((*record)->id); }));
}

// Ignores what can be ignored, and leaves a daemon that has left session, group and parent.
inline constexpr const char* kStubborn = R"(
trap '' TERM INT HUP
(setsid sh -c 'trap "" TERM; echo $$ > "$SIDE/daemon"; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &)
while [ ! -s "$SIDE/daemon" ]; do sleep 0.02; done
echo ready
while :; do sleep 1; done
)";

}  // namespace werkbank::test
