// What every series store shares: which lines of a request are new, and how a summary grows.
#pragma once

#include <vector>

#include "domain/metric.hh"

namespace werkbank::store {

// Is `candidate` the metric's latest value, rather than `latest`? By (step, timestamp, value), a point without a step counting as
// step 0; among equals the one that came later. Values: null < NaN < numbers < text.
bool is_latest(const MetricPoint& candidate, const MetricPoint& latest);

// Counts the point: count, last, minimum, maximum.
void add_to_summary(MetricSummary& summary, const MetricPoint& point);

// The index of the first line that is new to a writer who has had `accepted` lines; lines.size() where none is.
// sequence_gap where lines are missing before or between the new ones. All lines after the index are new.
Result<size_t> first_new_line(const std::vector<MetricLine>& lines, int64_t accepted);

}  // namespace werkbank::store
