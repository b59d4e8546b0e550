// Conda packages from a conda channel: is one there, which packages meet the specs, installing them. The solver is py-rattler,
// installed by uv into the cache's tools when a channel first answers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "domain/environment.hh"
#include "runner/build_interpreters.hh"
#include "runner/build_uv.hh"

namespace werkbank::runner {

// Builds `folder` with the recipe's conda specs from its channels and its requirements by uv; the solver itself is fetched by
// own_uv. Nothing where no channel can be
// asked, which the log tells: the caller then takes wheels.
Result<std::optional<ReadyEnvironment>> build_from_channels(const UvTool& uv, const UvTool& own_uv,
                                                            const std::filesystem::path& folder, const EnvironmentRecipe& recipe,
                                                            const Variables& environment,
                                                            const std::vector<Interpreter>& interpreters);

// What is asked of the solver, in the order of preference; each with a Python. Pure.
struct CondaAttempts {
  std::vector<std::vector<std::string>> specs;
  size_t exact = 0;  // so many of them meet every pin as it is written
};
CondaAttempts conda_attempts(const EnvironmentRecipe& recipe);
// "numpy=1.19=py36_0" → "numpy >=1.19"; the same text where nothing is pinned.
std::string relaxed_spec(const std::string& spec);
std::string spec_name(std::string_view spec);  // "numpy" of "conda-forge::numpy=1.19"

// "name==version" of what uv or pip has put into an environment, sorted; what conda put there is in none.
std::vector<std::string> pip_installed(const std::filesystem::path& folder);
// The lines of a lock that are about these packages.
std::string lock_of(std::string_view lock, const std::vector<std::string>& pins);

extern const std::string_view kCondaProgram;

}  // namespace werkbank::runner
