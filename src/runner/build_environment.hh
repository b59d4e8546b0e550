// `werkbank-runner build CACHEDIR`: makes an environment ready on the machine where it will be used
// (docs/reference/runner-protocol.md, last section).
//
//   CACHEDIR/<hash>/             the environment; ready.json in it is written last: without it the folder is a torso
//   CACHEDIR/<hash>/requirements.lock   what exactly was installed
//   CACHEDIR/locks/<hash>.lock   held while it is built: one builder, the others wait and find it ready
//   CACHEDIR/tools/              uv, where the machine has none; pythons/: interpreters that uv fetched; uv-cache/: its wheels
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.hh"
#include "domain/environment.hh"

namespace werkbank::runner {

// Reads the recipe on stdin, writes its talk and READY or FAILED to stdout. Answers the exit code.
int build_environment(const std::filesystem::path& cache_folder);

// The ready environment of this hash, if it is in the cache and its interpreter still is there. Cheap: two file accesses.
std::optional<ReadyEnvironment> find_built(const std::filesystem::path& cache_folder, std::string_view hash);

}  // namespace werkbank::runner
