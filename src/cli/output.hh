// How data is printed: -o table|json|jsonc|yaml|yamlc|tsv|none, after --query has chosen from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hh"

namespace werkbank::cli {

enum class OutputFormat { kTable, kJson, kYaml, kTsv, kNone };
// usage, with the nearest format suggested.
Result<OutputFormat> parse_output_format(std::string_view text);

// One column of a table: how a document's cell is written.
struct Column {
  std::string title;
  std::function<std::string(const json::object&)> text;
  bool right = false;  // numbers
};
Column text_column(std::string title, std::string path);  // "error.message": a field, dots go deeper
Column number_column(std::string title, std::string path);
Column time_column(std::string title, std::string path);  // to the second, UTC
Column duration_column(std::string title);                // of a run: from its start to its end, or to now
std::optional<int64_t> run_duration_ms(const json::object& run);

const json::value* find_field(const json::object& object, std::string_view path);
// A value in one line: text as it is, numbers shortest, objects and arrays as JSON, null as nothing.
std::string plain_text(const json::value& value);

// The whole text, newline included. A table of an array has one row per item; of an object, one row per field. Without columns
// the scalar fields are shown. TSV: the columns without a head, tabs and newlines in values escaped.
std::string format_output(const json::value& value, OutputFormat format, const std::vector<Column>& columns);
std::string format_table(const std::vector<std::vector<std::string>>& rows, const std::vector<Column>& columns);
std::string format_yaml(const json::value& value);

}  // namespace werkbank::cli
