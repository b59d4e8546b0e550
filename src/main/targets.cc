#include "main/targets.hh"

#include "compute/local/local_target.hh"

namespace werkbank {

Status add_targets(lifecycle::TargetRegistry& registry, const Home& home, const std::filesystem::path& runner_program,
                   const std::filesystem::path& sdk_folder, uint64_t open_files) {
  compute::LocalConfig local;
  local.work_folder = home.work();
  local.environment_cache = home.environments();
  local.runner_binary = runner_program;
  local.open_files = open_files;
  local.sdk_folder = sdk_folder;
  registry.add("local", compute::make_local_target(std::move(local)));
  return {};
}

}  // namespace werkbank
