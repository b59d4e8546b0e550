// The pool: nodes that come when runs need them and leave when they were idle for long. What starts runners on a node is another
// target, given to it; a node's slice goes with the plan, and the runner keeps to it.
#pragma once

#include <filesystem>

#include "base/clock.hh"
#include "compute/pool/node_provider.hh"
#include "compute/pool/pool_settings.hh"
#include "compute/target_kind.hh"

namespace werkbank::compute {

struct PoolConfig {
  std::string name;
  std::filesystem::path folder;            // its own; holds the books of its nodes
  NodeProvider* provider = nullptr;        // outlives the pool
  std::unique_ptr<ComputeTarget> runners;  // starts runners; its work folder is below `folder`
  const Clock* clock = &system_clock();
};

// A pool as the record says, with the nodes and runs that an earlier server has left.
Result<std::unique_ptr<ManagedTarget>> open_pool(PoolConfig config, const PoolSettings& settings);

// The kind `AmlCompute` of v1.
struct AmlComputeConfig {
  std::filesystem::path folder;      // one folder for each pool is made below it
  NodeProvider* provider = nullptr;  // outlives the kind and its pools
  std::function<std::unique_ptr<ComputeTarget>(std::filesystem::path work_folder)> make_runners;
};
std::unique_ptr<TargetKind> make_aml_compute(AmlComputeConfig config);

}  // namespace werkbank::compute
