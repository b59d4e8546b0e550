// Recipes of kind "uv": choosing the interpreter, resolving, installing; and the answer to what cannot be built.
#pragma once

#include <filesystem>

#include "base/result.hh"
#include "domain/environment.hh"
#include "runner/build_interpreters.hh"

namespace werkbank::runner {

// Builds `folder`, which is empty or absent. The caller holds the lock of the recipe's hash.
Result<ReadyEnvironment> build_venv(const std::filesystem::path& cache_folder, const std::filesystem::path& folder,
                                    const EnvironmentRecipe& recipe, const Variables& environment);

}  // namespace werkbank::runner
