// A pool on a machine that a test describes, whose runners are scripted. For suites of what a pool does with its nodes.
#pragma once

#include <doctest/doctest.h>

#include "base/files.hh"
#include "base/hash.hh"
#include "compute/pool/pool_target.hh"
#include "compute/pool/this_machine.hh"
#include "support/scripted_target.hh"

namespace werkbank::test {

// Scripted runners that a test keeps hold of, although the pool owns them.
class BorrowedRunners final : public compute::ComputeTarget {
 public:
  explicit BorrowedRunners(ScriptedTarget& target) : target_(target) {}
  std::string kind() const override { return target_.kind(); }
  compute::Capabilities capabilities() const override { return target_.capabilities(); }
  Result<compute::Capacity> capacity(int64_t running) override { return target_.capacity(running); }
  Result<ReadyEnvironment> prepare(const EnvironmentRecipe& recipe, const compute::OutputSink& output,
                                   const std::function<bool()>& canceled) override {
    return target_.prepare(recipe, output, canceled);
  }
  Result<json::object> start(const LaunchPlan& plan) override { return target_.start(plan); }
  Result<compute::RunnerStatus> recover(const json::object& handle) override { return target_.recover(handle); }
  Status cancel(const json::object& handle) override { return target_.cancel(handle); }
  Status kill(const json::object& handle) override { return target_.kill(handle); }
  Result<bool> has_processes(const json::object& handle) override { return target_.has_processes(handle); }
  Status remove(const json::object& handle) override { return target_.remove(handle); }
  Result<std::vector<compute::KeptAttempt>> kept() override { return target_.kept(); }

 private:
  ScriptedTarget& target_;
};

// Cores 0 … n-1, so much memory, no GPU.
inline compute::MachineFacts machine_of(int cores, int64_t memory_mib, int gpus = 0) {
  compute::MachineFacts facts;
  for (int core = 0; core < cores; ++core) facts.cores.push_back(core);
  for (int gpu = 0; gpu < gpus; ++gpu) facts.gpus.push_back(gpu);
  facts.memory_mib = memory_mib;
  return facts;
}

struct PoolFolder {
  ~PoolFolder() { (void)remove_tree(path); }
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("wb_pools_" + random_hex(6));
};

}  // namespace werkbank::test
