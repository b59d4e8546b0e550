// The list of compute targets of this installation. A new kind of target is one folder below compute/ and one line here.
#pragma once

#include "compute/pool/node_provider.hh"
#include "lifecycle/services.hh"
#include "main/home.hh"

namespace werkbank {

// `this_machine` outlives the registry: pools take their nodes from it. `open_files`: the limit for users' programs
// (base/limits.hh).
Status add_targets(lifecycle::TargetRegistry& registry, compute::NodeProvider& this_machine, const Home& home,
                   const std::filesystem::path& runner_program, const std::filesystem::path& sdk_folder, uint64_t open_files);
environment::EnvironmentPlanner make_environment_planner();

}  // namespace werkbank
