// The list of environment kinds. A new kind is one file (or folder) in environment/ and one line here.
#include "environment/default_runtime.hh"
#include "environment/system_kind.hh"
#include "environment/uv_kind.hh"
#include "main/targets.hh"

namespace werkbank {

environment::EnvironmentPlanner make_environment_planner() {
  std::vector<std::unique_ptr<environment::EnvironmentKind>> kinds;
  kinds.push_back(environment::make_default_runtime_kind());
  kinds.push_back(environment::make_system_kind());
  kinds.push_back(environment::make_uv_kind());
  return environment::EnvironmentPlanner(std::move(kinds));
}

}  // namespace werkbank
