// Reads a body of metric lines (docs/reference/metric-lines.md).
#pragma once

#include "api/route.hh"
#include "domain/metric.hh"

namespace werkbank::api {

// invalid_request naming the line. The spool's header line and a torn last line are skipped. At most 64 MiB.
Task<Result<std::vector<MetricLine>>> metric_lines_body(Call& call);
// A value in an answer: NaN and ±inf are {"special": "nan"/"inf"/"-inf"}.
json::value to_json(const MetricValue& value);

}  // namespace werkbank::api
