// A run as Workbench's history printed it: one flat document, its metrics beside its fields.
#pragma once

#include <string>
#include <vector>

#include "cli/output.hh"

namespace werkbank::cli {

// `metrics` is the run's metric document (summaries suffice): a metric's last value under its name, a table's under name.column.
json::object history_document(const json::object& run, const json::value& metrics);
// Metrics first, then Duration, Run_id, Script_name, Start_time_utc, Status.
std::vector<Column> history_columns(const json::array& documents);
std::string history_duration(int64_t milliseconds);  // "0:00:07.123000"

}  // namespace werkbank::cli
