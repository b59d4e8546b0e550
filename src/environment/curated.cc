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

// What v1's samples ask for by name and wheels can make. Versions are those that the names promise; TensorFlow 2.3 needs the
// older protobuf, which its own requirements do not say.
std::vector<EnvironmentDefinition> make_all() {
  std::vector<EnvironmentDefinition> all;
  all.push_back(curated("AzureML-Minimal", "", {}));
  all.push_back(curated("AzureML-Scikit-learn-0.20.3", "3.6", {"scikit-learn==0.20.3", "scipy", "numpy", "pandas", "joblib"}));
  all.push_back(curated("AzureML-TensorFlow-2.3-CPU", "3.7", {"tensorflow==2.3.*", "protobuf<3.21"}));
  all.push_back(curated("AzureML-TensorFlow-2.3-GPU", "3.7", {"tensorflow-gpu==2.3.*", "protobuf<3.21"}));
  all.push_back(curated("AzureML-Tutorial", "3.10",
                        {"numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "joblib", "tqdm", "pillow"}));
  all.push_back(curated("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", "3.7",
                        {"scikit-learn==0.24.*", "scipy", "numpy", "pandas", "matplotlib", "joblib"}));
  all.push_back(curated("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", "3.8",
                        {"scikit-learn==1.0.*", "scipy", "numpy", "pandas", "matplotlib", "joblib"}));
  all.push_back(
      curated("AzureML-sklearn-1.5", "3.10", {"scikit-learn==1.5.*", "scipy", "numpy", "pandas", "matplotlib", "joblib"}));
  all.push_back(curated("AzureML-tensorflow-2.16-cuda12", "3.10", {"tensorflow[and-cuda]==2.16.*"}));
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
