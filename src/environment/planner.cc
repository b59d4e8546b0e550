#include <fmt/format.h>

#include "environment/environment_kind.hh"

namespace werkbank::environment {

EnvironmentPlanner::EnvironmentPlanner(std::vector<std::unique_ptr<EnvironmentKind>> kinds) : kinds_(std::move(kinds)) {}

Result<EnvironmentRecipe> EnvironmentPlanner::plan(const EnvironmentDefinition& definition,
                                                   const std::map<std::string, std::string>& submitter_environment) const {
  for (const auto& kind : kinds_) {
    if (!kind->accepts(definition, submitter_environment)) continue;
    auto recipe = kind->plan(definition, submitter_environment);
    if (!recipe) return fail_in(fmt::format("environment '{}'", definition.name), std::move(recipe).error());
    return recipe;
  }
  return fail(errors::not_supported, fmt::format("environment '{}': no kind of environment here can make it", definition.name));
}

}  // namespace werkbank::environment
