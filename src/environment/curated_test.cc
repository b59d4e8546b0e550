#include "environment/curated.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "environment/environment_kind.hh"
#include "environment/system_kind.hh"
#include "environment/uv_kind.hh"

namespace werkbank::environment {
namespace {

TEST_CASE("every curated environment has a recipe, a reserved name and its place in the order") {
  std::vector<std::unique_ptr<EnvironmentKind>> kinds;
  kinds.push_back(make_system_kind());
  kinds.push_back(make_uv_kind());
  const EnvironmentPlanner planner(std::move(kinds));
  CHECK(curated_environments().size() >= 5);
  CHECK(std::ranges::is_sorted(curated_environments(), {}, &EnvironmentDefinition::name));
  for (const EnvironmentDefinition& definition : curated_environments()) {
    CAPTURE(definition.name);
    CHECK(is_reserved_name(definition.name));
    CHECK(find_curated(definition.name) == &definition);
    CHECK_FALSE(definition.user_managed);
    const Result<EnvironmentRecipe> recipe = planner.plan(definition, {});
    REQUIRE(recipe.has_value());
    CHECK(recipe->python_version == definition.python_version);
  }
  CHECK(find_curated("AzureML-Nothing") == nullptr);
}

TEST_CASE("reserved names") {
  for (const char* name : {"AzureML", "azureml-mine", "AZUREML-x", "Microsoft-x", "microsoft"}) CHECK(is_reserved_name(name));
  for (const char* name : {"", "my-AzureML", "Azure", "tutorial-env", "micro"}) CHECK_FALSE(is_reserved_name(name));
}

}  // namespace
}  // namespace werkbank::environment
