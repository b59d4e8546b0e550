#include "environment/default_runtime.hh"

#include <algorithm>
#include <array>

#include "environment/uv_kind.hh"

namespace werkbank::environment {
namespace {

constexpr std::array kPackages{"matplotlib", "numpy", "pandas", "pyyaml", "requests", "scikit-learn", "scipy", "seaborn", "tqdm"};
// Set by the activation of a virtual environment, of conda, and of `pyenv shell`.
constexpr std::array kActive{"VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_VERSION"};
constexpr std::array kSources{"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "PIP_NO_INDEX"};

class DefaultRuntimeKind final : public EnvironmentKind {
 public:
  std::string name() const override { return "default-runtime"; }

  bool accepts(const EnvironmentDefinition& definition,
               const std::map<std::string, std::string>& submitter_environment) const override {
    if (!definition.user_managed || !definition.interpreter.empty()) return false;
    return std::ranges::none_of(kActive, [&](const char* variable) {
      const auto found = submitter_environment.find(variable);
      return found != submitter_environment.end() && !found->second.empty();
    });
  }

  Result<EnvironmentRecipe> plan(const EnvironmentDefinition&,
                                 const std::map<std::string, std::string>& submitter_environment) const override {
    EnvironmentDefinition runtime;
    runtime.name = name();
    runtime.user_managed = false;
    for (const char* const package : kPackages) runtime.pip_requirements.emplace_back(package);
    TRY(EnvironmentRecipe recipe, builder_->plan(runtime, submitter_environment));
    recipe.with_sdk = true;
    // One for all: where the shell that first needs it has packages come from is no part of what it is.
    recipe.options.clear();
    for (const char* const variable : kSources) {
      if (const auto found = submitter_environment.find(variable); found != submitter_environment.end())
        recipe.network.insert(*found);
    }
    recipe.notes = {"No interpreter is named and no environment is active: the default runtime is built, once"};
    recipe.hash = recipe_hash(recipe);
    return recipe;
  }

 private:
  std::unique_ptr<EnvironmentKind> builder_ = make_uv_kind();
};

}  // namespace

std::unique_ptr<EnvironmentKind> make_default_runtime_kind() { return std::make_unique<DefaultRuntimeKind>(); }

}  // namespace werkbank::environment
