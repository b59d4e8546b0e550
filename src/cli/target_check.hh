// Is there a target like this? Asked before a snapshot is taken, so that a name costs nobody an upload.
#pragma once

#include <filesystem>
#include <string>

#include "cli/context.hh"

namespace werkbank::cli {

// target_unknown with the nearest name; not_supported for a kind that comes with a later version, with what works now. `local`
// and `amlcompute` are always there and ask nobody. `folder`: the project, whose .compute file says which kind a name stands for.
Status check_target(Context& context, const std::filesystem::path& folder, const std::string& target);

}  // namespace werkbank::cli
