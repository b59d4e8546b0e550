// The target `local`: runs execute on this machine as this user, each under a runner of its own session. Needs the runner's
// binary and a folder on a local disk. Enforces no memory limit and knows one node.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "compute/compute_target.hh"

namespace werkbank::compute {

struct LocalConfig {
  std::filesystem::path work_folder;        // absolute; one folder per rank of an attempt is made below it
  std::filesystem::path runner_binary;      // absolute; werkbank-runner
  std::filesystem::path environment_cache;  // absolute; what `werkbank-runner build` fills
  int64_t max_runs_at_once = 0;             // 0: the number of cores
  uint64_t open_files = 0;                  // the limit for scripts and build tools; 0: this process's
  std::filesystem::path sdk_folder;         // our Python package, unpacked; what built environments link to; empty: none
};

// Thread-safe. Runners go on when the target is destroyed; its own thread only buries the ones it started.
std::unique_ptr<ComputeTarget> make_local_target(LocalConfig config);

}  // namespace werkbank::compute
