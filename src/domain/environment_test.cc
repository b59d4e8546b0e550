#include "domain/environment.hh"

#include <doctest/doctest.h>

namespace werkbank {
namespace {

EnvironmentRecipe sample_recipe() {
  EnvironmentRecipe recipe;
  recipe.kind = "uv";
  recipe.python_version = "3.6";
  recipe.python_fallbacks = {"3.10"};
  recipe.requirements = {"scikit-learn==0.22.1"};
  recipe.options = {"--find-links=/wheels"};
  recipe.policy = PinPolicy::kNearest;
  recipe.notes = {"a note"};
  recipe.hash = recipe_hash(recipe);
  return recipe;
}

TEST_CASE("a definition reads back as it was written") {
  EnvironmentDefinition definition;
  definition.name = "digits";
  definition.version = "3";
  definition.user_managed = false;
  definition.interpreter = "/opt/python";
  definition.python_version = "3.6";
  definition.pip_requirements = {"numpy==1.19.5"};
  definition.conda_packages = {"scipy=1.5"};
  definition.conda_channels = {"conda-forge"};
  definition.policy = PinPolicy::kNearest;
  definition.variables = {{"A", "1"}};
  definition.docker = {{"enabled", true}};
  definition.spark = {{"packages", json::array{}}};
  const json::object written = to_json(definition);
  const auto read = environment_from_json(written);
  REQUIRE(read.has_value());
  CHECK(canonical_json(to_json(*read)) == canonical_json(written));
  CHECK(read->policy == PinPolicy::kNearest);
  CHECK(read->variables.at("A") == "1");
}

TEST_CASE("a definition with anything wrong is refused, and the field is named") {
  const auto refused = [](const char* text) {
    const auto read = environment_from_json(json::parse(text));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == &errors::invalid_request);
    return read.error().to_string();
  };
  CHECK(refused(R"({"usermanaged": true})").find("usermanaged") != std::string::npos);
  CHECK(refused(R"({"userManaged": "yes"})").find("environment.userManaged") != std::string::npos);
  CHECK(refused(R"({"policy": "loose"})").find("loose") != std::string::npos);
  CHECK(refused(R"({"pipRequirements": [1]})").find("pipRequirements") != std::string::npos);
  CHECK(refused(R"({"variables": {"A=B": "1"}})").find("A=B") != std::string::npos);
  CHECK(refused(R"({"name": ""})").find("environment.name") != std::string::npos);
}

TEST_CASE("a recipe's hash covers what it makes and not what it says about it") {
  EnvironmentRecipe recipe = sample_recipe();
  const std::string hash = recipe.hash;
  recipe.notes.push_back("another");
  CHECK(recipe_hash(recipe) == hash);
  recipe.requirements.push_back("numpy");
  CHECK(recipe_hash(recipe) != hash);
}

TEST_CASE("a recipe reads back, and one with a foreign hash is refused") {
  const EnvironmentRecipe recipe = sample_recipe();
  const auto read = environment_recipe_from_json(to_json(recipe));
  REQUIRE(read.has_value());
  CHECK(canonical_json(to_json(*read)) == canonical_json(to_json(recipe)));
  EnvironmentRecipe forged = recipe;
  forged.hash = "../../etc";
  CHECK_FALSE(environment_recipe_from_json(to_json(forged)).has_value());
}

TEST_CASE("where an interpreter is looked for") {
  EnvironmentRecipe recipe;
  recipe.kind = "system";
  recipe.interpreter = "/opt/python/bin/python";
  CHECK(interpreter_candidates(recipe) == std::vector<std::string>{"/opt/python/bin/python"});
  recipe.interpreter = "";
  recipe.lookup = {{"VIRTUAL_ENV", "/venv"}, {"PATH", "/a:relative::/b"}};
  CHECK(interpreter_candidates(recipe) ==
        std::vector<std::string>{"/venv/bin/python", "/a/python", "/b/python", "/venv/bin/python3", "/a/python3", "/b/python3"});
  recipe.interpreter = "python3.6";
  recipe.lookup.erase("VIRTUAL_ENV");
  CHECK(interpreter_candidates(recipe) == std::vector<std::string>{"/a/python3.6", "/b/python3.6"});
}

TEST_CASE("a ready environment reads back") {
  ReadyEnvironment ready{"ab", "/x/bin/python", "3.6.15", true, {{"VIRTUAL_ENV", "/x"}}};
  const auto read = ready_environment_from_json(to_json(ready));
  REQUIRE(read.has_value());
  CHECK(read->interpreter == "/x/bin/python");
  CHECK(read->has_azureml);
  CHECK(read->variables == ready.variables);
  CHECK_FALSE(ready_environment_from_json(json::parse(R"({"hash": "ab"})")).has_value());
}

}  // namespace
}  // namespace werkbank
