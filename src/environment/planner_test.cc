#include <doctest/doctest.h>

#include <algorithm>

#include "environment/default_runtime.hh"
#include "environment/environment_kind.hh"
#include "environment/python_choice.hh"
#include "environment/system_kind.hh"
#include "environment/uv_kind.hh"

namespace werkbank::environment {
namespace {

using Texts = std::vector<std::string>;

Result<EnvironmentRecipe> plan(const EnvironmentDefinition& definition,
                               const std::map<std::string, std::string>& submitter = {}) {
  std::vector<std::unique_ptr<EnvironmentKind>> kinds;
  kinds.push_back(make_default_runtime_kind());
  kinds.push_back(make_system_kind());
  kinds.push_back(make_uv_kind());
  return EnvironmentPlanner(std::move(kinds)).plan(definition, submitter);
}

EnvironmentDefinition managed(Texts pip, Texts conda = {}, std::string python = {}) {
  EnvironmentDefinition definition;
  definition.user_managed = false;
  definition.pip_requirements = std::move(pip);
  definition.conda_packages = std::move(conda);
  definition.python_version = std::move(python);
  return definition;
}

TEST_CASE("a managed environment becomes a recipe of kind uv") {
  const auto recipe =
      plan(managed({"joblib", "Joblib", "--find-links /wheels", "azureml-defaults"}, {"scikit-learn=0.22", "pip"}, "3.6.2"));
  REQUIRE(recipe.has_value());
  CHECK(recipe->kind == "uv");
  CHECK(recipe->python_version == "3.6.2");
  CHECK(recipe->python_fallbacks.empty());
  CHECK(recipe->requirements == Texts{"joblib"});
  CHECK(recipe->conda_specs == Texts{"scikit-learn=0.22"});
  CHECK(recipe->conda_wheels == Texts{"scikit-learn==0.22.*"});
  CHECK(recipe->conda_channels == Texts{"conda-forge"});
  CHECK(recipe->options == Texts{"--find-links=/wheels"});
  CHECK(recipe->hash == recipe_hash(*recipe));
  CHECK(recipe->notes.size() == 1);
}

TEST_CASE("equal wishes make equal hashes, others do not") {
  const auto hash = [](const EnvironmentDefinition& definition) { return plan(definition)->hash; };
  const std::string one = hash(managed({"b", "a"}));
  CHECK(hash(managed({"a", "b", "B"})) == one);
  EnvironmentDefinition renamed = managed({"a", "b"});
  renamed.name = "other";
  renamed.variables = {{"A", "1"}};
  CHECK(hash(renamed) == one);
  CHECK(hash(managed({"a"})) != one);
  CHECK(hash(managed({"a", "b"}, {}, "3.9")) != one);
  EnvironmentDefinition nearest = managed({"a", "b"});
  nearest.policy = PinPolicy::kNearest;
  CHECK(hash(nearest) != one);
}

TEST_CASE("companions of the SDK's packages") {
  CHECK(plan(managed({"azureml-dataset-runtime[pandas,fuse]~=1.20"}))->requirements == Texts{"pandas", "pyarrow"});
  CHECK(plan(managed({"azureml-sdk==1.0.85", "azureml-core"}))->requirements.empty());
  CHECK(plan(managed({}, {"azureml-mlflow"}))->requirements == Texts{"mlflow-skinny"});
}

TEST_CASE("the submitter's package sources come along, the definition's own index wins") {
  const std::map<std::string, std::string> submitter{{"PIP_INDEX_URL", "https://mirror/simple"}, {"PIP_FIND_LINKS", "/a  /b"}};
  CHECK(plan(managed({"x"}), submitter)->options ==
        Texts{"--index-url=https://mirror/simple", "--find-links=/a", "--find-links=/b"});
  CHECK(plan(managed({"x", "-i https://own/simple"}), submitter)->options ==
        Texts{"--index-url=https://own/simple", "--find-links=/a", "--find-links=/b"});
}

TEST_CASE("a bad requirement is named with its environment") {
  const auto recipe = plan(managed({"numpy", "scipy=1"}));
  REQUIRE_FALSE(recipe.has_value());
  CHECK(recipe.error().code == &errors::requirement_invalid);
  CHECK(recipe.error().to_string().find("scipy=1") != std::string::npos);
  CHECK(recipe.error().to_string().find("default-environment") != std::string::npos);
}

TEST_CASE("an own interpreter becomes a recipe of kind system") {
  EnvironmentDefinition definition;
  const std::map<std::string, std::string> submitter{
      {"PATH", "/a:/b"}, {"HOME", "/home/u"}, {"LANG", "C"}, {"VIRTUAL_ENV", "/venv"}};
  auto recipe = plan(definition, submitter);
  REQUIRE(recipe.has_value());
  CHECK(recipe->kind == "system");
  CHECK(recipe->lookup == std::map<std::string, std::string>{{"PATH", "/a:/b"}, {"HOME", "/home/u"}, {"VIRTUAL_ENV", "/venv"}});
  CHECK(interpreter_candidates(*recipe).front() == "/venv/bin/python");
  definition.interpreter = "~/py/bin/python";
  recipe = plan(definition, submitter);
  CHECK(recipe->interpreter == "/home/u/py/bin/python");
  CHECK(recipe->lookup.empty());
  definition.interpreter = "venv/bin/python";
  CHECK(plan(definition, submitter).error().code == &errors::interpreter_not_found);
}

TEST_CASE("Microsoft's packages are installed where they are wanted, and in no other environment") {
  EnvironmentDefinition definition = managed({"azureml-core==1.61.0.post4", "numpy"});
  CHECK(plan(definition)->requirements == Texts{"numpy"});
  definition.variables["WERKBANK_AZUREML"] = "genuine";
  const auto recipe = plan(definition);
  CHECK(recipe->requirements == Texts{"azureml-core==1.61.0.post4", "numpy"});
  CHECK(recipe->notes.empty());
  definition.variables["WERKBANK_AZUREML"] = "other";
  CHECK(plan(definition)->requirements == Texts{"numpy"});
}

TEST_CASE("without interpreter and active environment it is the default runtime, the same for all") {
  const EnvironmentDefinition nothing_named;
  const auto recipe = plan(nothing_named, {{"PATH", "/usr/bin"}, {"PIP_INDEX_URL", "https://mirror/simple"}});
  REQUIRE(recipe.has_value());
  CHECK(recipe->kind == "uv");
  CHECK(recipe->with_sdk);
  CHECK(std::ranges::find(recipe->requirements, "numpy") != recipe->requirements.end());
  CHECK(recipe->network.at("PIP_INDEX_URL") == "https://mirror/simple");
  CHECK(plan(nothing_named, {})->hash == recipe->hash);
  for (const char* const active : {"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_VERSION"}) {
    CHECK(plan(nothing_named, {{"PATH", "/usr/bin"}, {active, "/x"}})->kind == "system");
  }
  EnvironmentDefinition named;
  named.interpreter = "python3";
  CHECK(plan(named, {{"PATH", "/usr/bin"}})->kind == "system");
}

TEST_CASE("channels are part of the recipe only where they are asked, and have to look like channels") {
  EnvironmentDefinition definition = managed({"six"}, {}, "3.8.13");
  definition.conda_channels = {"anaconda", "conda-forge"};
  CHECK(plan(definition)->conda_channels.empty());
  definition.conda_packages = {"cudatoolkit=10.1", "numpy"};
  const auto recipe = plan(definition);
  CHECK(recipe->conda_channels == Texts{"anaconda", "conda-forge"});
  CHECK(recipe->conda_wheels == Texts{"numpy"});
  CHECK(recipe->wheel_notes.size() == 1);  // what a library comes to among wheels
  definition.conda_channels = {"-o /etc/passwd"};
  CHECK(plan(definition).error().code == &errors::requirement_invalid);
  CHECK(plan(managed({}, {}, "3.5.2"))->conda_channels == Texts{"conda-forge"});
}

TEST_CASE("which Pythons may be taken") {
  CHECK(choose_python("3.8")->exact == "3.8");
  CHECK(choose_python("3.8.*")->exact == "3.8");
  CHECK(choose_python("3.8.13")->exact == "3.8.13");
  CHECK(choose_python("3.5.2")->exact == "3.5.2");  // only a channel may have it
  const Texts all = choose_python("")->fallbacks;
  CHECK(all.size() == 9);
  CHECK(all.front() == "3.10");
  CHECK(all[1] == "3.6");
  CHECK(choose_python("3")->fallbacks == all);
  CHECK(choose_python(">=3.6,<3.9")->fallbacks == Texts{"3.6", "3.7", "3.8"});
  CHECK(choose_python(">3.12")->fallbacks == Texts{"3.13", "3.14"});
  CHECK(choose_python("<=3.7,!=3.6")->fallbacks == Texts{"3.7"});
  CHECK(choose_python("~=3.12")->fallbacks == Texts{"3.12", "3.13", "3.14"});
  for (const char* bad : {"2.7", "3.4", "three", "3.x", ">=4", "3.8 3.9", "==", "3.99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(choose_python(bad).has_value());
  }
}

}  // namespace
}  // namespace werkbank::environment
