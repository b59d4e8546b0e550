#include "main/targets.hh"

#include "compute/local/local_target.hh"
#include "compute/pool/pool_target.hh"
#include "compute/pool/this_machine.hh"

namespace werkbank {

Status add_targets(lifecycle::TargetRegistry& registry, compute::NodeProvider& this_machine, const Home& home,
                   const std::filesystem::path& runner_program, const std::filesystem::path& sdk_folder, uint64_t open_files) {
  compute::LocalConfig local;
  local.work_folder = home.work();
  local.environment_cache = home.environments();
  local.runner_binary = runner_program;
  local.open_files = open_files;
  local.sdk_folder = sdk_folder;
  compute::AmlComputeConfig pools;
  pools.folder = home.pools();
  pools.provider = &this_machine;
  pools.make_runners = [local](std::filesystem::path work_folder) {
    compute::LocalConfig of_pool = local;
    of_pool.work_folder = std::move(work_folder);
    return compute::make_local_target(std::move(of_pool));
  };
  registry.add("local", compute::make_local_target(std::move(local)));
  registry.add_kind(compute::make_aml_compute(std::move(pools)));
  return {};
}

}  // namespace werkbank
