// Kind "system": the user manages the interpreter; nothing is built, the interpreter is only checked on the target.
#pragma once

#include <memory>

#include "environment/environment_kind.hh"

namespace werkbank::environment {

std::unique_ptr<EnvironmentKind> make_system_kind();

}  // namespace werkbank::environment
