#include "domain/metric.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace werkbank {
namespace {

constexpr std::array<std::pair<MetricKind, std::string_view>, 8> kKindNames{{
    {MetricKind::kScalar, "azureml.v1.scalar"},
    {MetricKind::kTable, "azureml.v1.table"},
    {MetricKind::kImage, "azureml.v2.image"},
    {MetricKind::kConfusionMatrix, "azureml.v2.confusion_matrix"},
    {MetricKind::kAccuracyTable, "azureml.v2.accuracy_table"},
    {MetricKind::kResiduals, "azureml.v2.residuals"},
    {MetricKind::kPredictions, "azureml.v2.predictions"},
    {MetricKind::kForecastTable, "azureml.v2.forecast_table"},
}};

bool is_artifact_kind(MetricKind kind) { return kind != MetricKind::kScalar && kind != MetricKind::kTable; }

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_integer(std::string& out, int64_t value) {
  std::array<char, 24> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += R"({"x":"nan"})";
  } else if (std::isinf(value)) {
    out += value > 0 ? R"({"x":"inf"})" : R"({"x":"-inf"})";
  } else {
    std::array<char, 32> digits;
    const std::string_view text(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";  // or it would be read back as an integer
  }
}

void append_value(std::string& out, const MetricValue& value) {
  if (const auto* const integer = std::get_if<int64_t>(&value)) {
    append_integer(out, *integer);
  } else if (const auto* const number = std::get_if<double>(&value)) {
    append_double(out, *number);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    append_text(out, *text);
  } else {
    out += "null";
  }
}

void append_values(std::string& out, const std::vector<MetricValue>& values) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out += ',';
    append_value(out, values[i]);
  }
  out += ']';
}

void append_columns(std::string& out, const MetricLine& line) {
  const bool is_row = std::ranges::all_of(line.columns, [](const auto& column) { return column.values.size() == 1; });
  out += is_row ? R"(,"r":{)" : R"(,"c":{)";
  for (size_t i = 0; i < line.columns.size(); ++i) {
    if (i != 0) out += ',';
    append_text(out, line.columns[i].name);
    out += ':';
    if (is_row) {
      append_value(out, line.columns[i].values.front());
    } else {
      append_values(out, line.columns[i].values);
    }
  }
  out += '}';
}

}  // namespace

std::string_view to_string(MetricKind kind) { return kKindNames[static_cast<size_t>(kind)].second; }

std::optional<MetricKind> parse_metric_kind(std::string_view text) {
  for (const auto& [kind, name] : kKindNames) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

std::string format_metric_line(const MetricLine& line) {
  std::string out = R"({"s":)";
  append_integer(out, line.sequence);
  if (line.name.empty() && line.columns.empty()) return out += ",\"x\":\"skipped\"}\n";
  out += R"(,"t":)";
  append_integer(out, line.timestamp_ms);
  out += R"(,"n":)";
  append_text(out, line.name);
  if (is_artifact_kind(line.kind)) {
    out += R"(,"k":)";
    append_text(out, to_string(line.kind));
  }
  if (line.kind == MetricKind::kTable) {
    append_columns(out, line);
  } else if (line.columns.size() == 1 && line.columns[0].values.size() == 1) {
    out += R"(,"v":)";
    append_value(out, line.columns[0].values[0]);
  } else {
    out += R"(,"l":)";
    append_values(out, line.columns.empty() ? std::vector<MetricValue>() : line.columns[0].values);
  }
  if (line.step) {
    out += R"(,"p":)";
    append_integer(out, *line.step);
  }
  out += "}\n";
  return out;
}

}  // namespace werkbank
