// Kind "uv": a virtual environment from wheels, for everything that Werkbank manages.
#pragma once

#include <memory>

#include "environment/environment_kind.hh"

namespace werkbank::environment {

std::unique_ptr<EnvironmentKind> make_uv_kind();

}  // namespace werkbank::environment
