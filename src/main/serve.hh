// `werkbank serve`: the control plane, from its home to its last answer.
#pragma once

#include "cli/cli.hh"

namespace werkbank {

// Runs until SIGTERM, SIGINT, a stop request or the idle time; the process's exit code (0 stopped in order, 2 refused to start).
int serve(const cli::ServeOptions& options);

// The checks of `werkbank doctor` that need the whole program.
std::vector<cli::DoctorCheck> examine_program(const std::filesystem::path& home);
cli::DoctorCheck verify_content(const std::filesystem::path& home, const std::function<void(uint64_t)>& progress);

}  // namespace werkbank
