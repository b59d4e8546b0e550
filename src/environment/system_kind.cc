#include "environment/system_kind.hh"

#include <fmt/format.h>

#include <array>

namespace werkbank::environment {
namespace {

// What decides which interpreter a bare name means in the submitter's shell.
constexpr std::array kLookupVariables{"PATH", "VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION", "HOME"};

class SystemKind final : public EnvironmentKind {
 public:
  std::string name() const override { return "system"; }
  bool accepts(const EnvironmentDefinition& definition, const std::map<std::string, std::string>&) const override {
    return definition.user_managed;
  }

  Result<EnvironmentRecipe> plan(const EnvironmentDefinition& definition,
                                 const std::map<std::string, std::string>& submitter_environment) const override {
    EnvironmentRecipe recipe;
    recipe.kind = name();
    recipe.interpreter = definition.interpreter;
    if (recipe.interpreter.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos) {
      return fail(errors::interpreter_not_found, "the interpreter's path holds a NUL character or a line break");
    }
    if (recipe.interpreter.starts_with("~/")) {
      const auto home = submitter_environment.find("HOME");
      if (home != submitter_environment.end()) recipe.interpreter = home->second + recipe.interpreter.substr(1);
    }
    const bool absolute = recipe.interpreter.starts_with('/');
    if (!absolute && recipe.interpreter.find('/') != std::string::npos) {
      return fail(errors::interpreter_not_found, fmt::format("the interpreter '{}' is a relative path", definition.interpreter),
                  "Name it by its absolute path, or by a name to look for in PATH such as python3.8.");
    }
    if (!absolute) {
      for (const char* variable : kLookupVariables) {
        const auto found = submitter_environment.find(variable);
        if (found != submitter_environment.end()) recipe.lookup.insert(*found);
      }
      // A submitter without any PATH (a service, a remote client) means the machine's usual one.
      if (!recipe.lookup.contains("PATH")) recipe.lookup["PATH"] = "/usr/local/bin:/usr/bin:/bin";
    }
    if (!definition.pip_requirements.empty() || !definition.conda_packages.empty()) {
      recipe.notes.push_back("the environment is managed by you: its list of packages is not installed");
    }
    recipe.hash = recipe_hash(recipe);
    return recipe;
  }
};

}  // namespace

std::unique_ptr<EnvironmentKind> make_system_kind() { return std::make_unique<SystemKind>(); }

}  // namespace werkbank::environment
