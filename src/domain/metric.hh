// Metric points and their one text format: newline-delimited JSON, the same in the job's spool file, on the wire and in exports.
// Format: docs/reference/metric-lines.md (version 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hh"

namespace werkbank {

// int64, double (NaN and ±inf included), text, or null.
using MetricValue = std::variant<std::monostate, int64_t, double, std::string>;

enum class MetricKind { kScalar, kTable, kImage, kConfusionMatrix, kAccuracyTable, kResiduals, kPredictions, kForecastTable };
std::string_view to_string(MetricKind kind);  // wire types: "azureml.v1.scalar", "azureml.v1.table", "azureml.v2.image" …
std::optional<MetricKind> parse_metric_kind(std::string_view text);

struct MetricPoint {
  int64_t sequence = 0;      // order within the series; given by the store
  int64_t timestamp_ms = 0;  // UTC
  int64_t step = 0;          // signed; has_step false: the caller gave none
  bool has_step = false;
  MetricValue value;
};

// One call of log / log_list / log_row / log_table / log_image …: one line.
// Scalars and lists: one column "" with one or more values. Rows and tables: a value list per column, equal lengths.
// Artifact kinds: column "" with one text, the artifact's path in the run. No name and no columns: a skipped line, which counts.
struct MetricLine {
  int64_t sequence = 0;  // the writer's own count from 1 without gaps: what makes delivery exactly-once
  std::string name;
  MetricKind kind = MetricKind::kScalar;
  int64_t timestamp_ms = 0;
  std::optional<int64_t> step;
  struct Column {
    std::string name;
    std::vector<MetricValue> values;
  };
  std::vector<Column> columns;
};

// One line without its newline. invalid_request with the position in the line where it is malformed.
Result<MetricLine> parse_metric_line(std::string_view line);
std::string format_metric_line(const MetricLine& line);  // with newline

struct MetricSummary {
  std::string name;
  std::string column;  // "" for scalars
  MetricKind kind = MetricKind::kScalar;
  int64_t count = 0;
  MetricPoint last;                        // greatest (step, timestamp, value) as in MLflow; logged last where no step was given
  std::optional<double> minimum, maximum;  // over numbers, NaN left out
};

}  // namespace werkbank
