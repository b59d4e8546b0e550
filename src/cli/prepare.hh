// Builds the environment that a submit would use, with its output live.
#pragma once

#include "cli/submission.hh"

namespace werkbank::cli {

// Has the target make ready what the spec asks for, with the build's output live on stderr: the ready environment's document
// ("interpreter", "pythonVersion", "hash"). The build's own error where it failed.
Result<json::value> prepare_spec(Context& context, const std::string& workspace, const RunSpec& spec);
// The build's output on stderr, the ready environment as data. 0 ready, 1 the build failed, 2 refused.
Result<int> prepare_environment(Context& context, const SubmitRequest& request);
// The same for a definition that is known already.
Result<int> prepare_definition(Context& context, const json::value& definition, const std::string& target);
// The default runtime, whatever is active in the caller's shell.
Result<int> prepare_default_runtime(Context& context, const std::string& target);

}  // namespace werkbank::cli
