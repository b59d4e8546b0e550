#include "environment/curated.hh"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hh"

namespace werkbank::environment {
namespace {

EnvironmentDefinition curated(std::string name, std::string python_version, std::vector<std::string> requirements) {
  EnvironmentDefinition definition;
  definition.name = std::move(name);
  definition.version = "1";
  definition.user_managed = false;
  definition.python_version = std::move(python_version);
  definition.pip_requirements = std::move(requirements);
  definition.pip_requirements.emplace_back("azureml-defaults");
  return definition;
}

std::vector<EnvironmentDefinition> make_all() {
  std::vector<EnvironmentDefinition> all;
#define WB_CURATED(name, python, ...) all.push_back(curated(name, python, {__VA_ARGS__}));
#include "environment/curated.def"
#undef WB_CURATED
  std::ranges::sort(all, {}, &EnvironmentDefinition::name);
  return all;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  return equal_but_for_case(text.substr(0, lower_prefix.size()), lower_prefix);
}

}  // namespace

std::span<const EnvironmentDefinition> curated_environments() {
  static const std::vector<EnvironmentDefinition> all = make_all();
  return all;
}

const EnvironmentDefinition* find_curated(std::string_view name) {
  const auto all = curated_environments();
  const auto found = std::ranges::find(all, name, &EnvironmentDefinition::name);
  return found == all.end() ? nullptr : &*found;
}

bool is_reserved_name(std::string_view name) {
  return starts_with_ignoring_case(name, "azureml") || starts_with_ignoring_case(name, "microsoft");
}

}  // namespace werkbank::environment
