// The default runtime: what a script runs in whose user names no interpreter and has no environment activated. Python with our
// SDK and the packages that data scripts start with, built like any managed environment when it is first needed.
#pragma once

#include <memory>

#include "environment/environment_kind.hh"

namespace werkbank::environment {

// Accepts user-managed definitions without an interpreter, where the submitter's variables show no active environment. Goes
// before the kind "system".
std::unique_ptr<EnvironmentKind> make_default_runtime_kind();

}  // namespace werkbank::environment
