#include "store/series_summary.hh"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace werkbank::store {
namespace {

std::optional<double> as_number(const MetricValue& value) {
  if (const auto* const integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* const number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

int rank_of(const MetricValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return 0;
  if (std::holds_alternative<std::string>(value)) return 3;
  const double* const number = std::get_if<double>(&value);
  return number != nullptr && std::isnan(*number) ? 1 : 2;
}

bool is_less(const MetricValue& a, const MetricValue& b) {
  const int rank_a = rank_of(a), rank_b = rank_of(b);
  if (rank_a != rank_b) return rank_a < rank_b;
  if (rank_a == 3) return std::get<std::string>(a) < std::get<std::string>(b);
  if (rank_a != 2) return false;
  const auto *const whole_a = std::get_if<int64_t>(&a), *const whole_b = std::get_if<int64_t>(&b);
  if (whole_a != nullptr && whole_b != nullptr) return *whole_a < *whole_b;
  return *as_number(a) < *as_number(b);
}

}  // namespace

bool is_latest(const MetricPoint& candidate, const MetricPoint& latest) {
  // Without steps, as v1 logs, what was logged last is the latest: many points share a millisecond. MLflow always sends a step.
  if (!candidate.has_step && !latest.has_step) return candidate.timestamp_ms >= latest.timestamp_ms;
  const int64_t step = candidate.has_step ? candidate.step : 0, latest_step = latest.has_step ? latest.step : 0;
  if (step != latest_step) return step > latest_step;
  if (candidate.timestamp_ms != latest.timestamp_ms) return candidate.timestamp_ms > latest.timestamp_ms;
  return !is_less(candidate.value, latest.value);
}

void add_to_summary(MetricSummary& summary, const MetricPoint& point) {
  if (summary.count == 0 || is_latest(point, summary.last)) summary.last = point;
  ++summary.count;
  const std::optional<double> number = as_number(point.value);
  if (!number || std::isnan(*number)) return;
  if (!summary.minimum || *number < *summary.minimum) summary.minimum = number;
  if (!summary.maximum || *number > *summary.maximum) summary.maximum = number;
}

Result<size_t> first_new_line(const std::vector<MetricLine>& lines, int64_t accepted) {
  size_t first = 0;
  while (first < lines.size() && lines[first].sequence <= accepted) ++first;
  int64_t expected = accepted + 1;
  for (size_t i = first; i < lines.size(); ++i, ++expected) {
    if (lines[i].sequence != expected) {
      return fail(errors::sequence_gap, fmt::format("metric line {} came where {} is expected", lines[i].sequence, expected),
                  fmt::format("Send again from sequence {}.", expected));
    }
  }
  return first;
}

}  // namespace werkbank::store
