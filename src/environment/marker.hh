// Environment markers of PEP 508 ("python_version < '3.8' and sys_platform == 'linux'"): checked, not evaluated; uv evaluates
// them.
#pragma once

#include <string_view>

#include "base/result.hh"

namespace werkbank::environment {

Status check_marker(std::string_view text);

}  // namespace werkbank::environment
