// The filters that v1's clients send with a query for runs: OData's eq, ne, ge, gt, le, lt, and, or, parentheses.
//
//   ((RootRunId eq r1 and (RunType eq x or Properties/azureml.runsource eq x)) and RunId ne r1)
//   (Tags/kind eq "a (b) and c")        values may stand in quotes
//
// As the service does it: a comparison with a tag or property that the run does not have is false, also `ne`.
#pragma once

#include <functional>
#include <string_view>

#include "domain/run.hh"

namespace werkbank::api {

using RunFilter = std::function<bool(const Run&)>;

// Empty text: every run. invalid_request names the place that is not understood.
Result<RunFilter> parse_v1_filter(std::string_view text);

}  // namespace werkbank::api
