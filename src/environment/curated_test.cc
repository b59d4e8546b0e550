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
  CHECK(curated_environments().size() >= 50);
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

TEST_CASE("a framework of a name is one of its requirements, in the version of the name") {
  struct Named {
    std::string_view name, requirement;
  };
  for (const auto& [name, requirement] :
       {Named{"AzureML-PyTorch-1.4-GPU", "torch==1.4.*"}, Named{"AzureML-TensorFlow-2.2-CPU", "tensorflow==2.2.*"},
        Named{"AzureML-TensorFlow-2.2-GPU", "tensorflow-gpu==2.2.*"},
        Named{"AzureML-Scikit-learn-0.20.3", "scikit-learn==0.20.3"}}) {
    CAPTURE(name);
    const EnvironmentDefinition* const found = find_curated(name);
    REQUIRE(found != nullptr);
    CHECK(found->pip_requirements.front() == requirement);
    CHECK(found->pip_requirements.back() == "azureml-defaults");
  }
}

TEST_CASE("reserved names") {
  for (const char* name : {"AzureML", "azureml-mine", "AZUREML-x", "Microsoft-x", "microsoft"}) CHECK(is_reserved_name(name));
  for (const char* name : {"", "my-AzureML", "Azure", "tutorial-env", "micro"}) CHECK_FALSE(is_reserved_name(name));
}

}  // namespace
}  // namespace werkbank::environment
