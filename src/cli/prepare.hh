// Builds the environment that a submit would use, with its output live.
#pragma once

#include "cli/submission.hh"

namespace werkbank::cli {

// The build's output on stderr, the ready environment as data. 0 ready, 1 the build failed, 2 refused.
Result<int> prepare_environment(Context& context, const SubmitRequest& request);

}  // namespace werkbank::cli
