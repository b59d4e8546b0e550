#include "cli/output.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.hh"
#include "base/text.hh"
#include "cli/terminal.hh"

namespace werkbank::cli {
namespace {

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, bool right) {
  const size_t own = width_of(text);
  const std::string blanks(width > own ? width - own : 0, ' ');
  return right ? blanks + text : text + blanks;
}

std::string title_of(std::string_view key) {
  std::string title(key);
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

std::vector<Column> columns_of(const json::array& items) {
  std::vector<Column> columns;
  std::vector<std::string> seen;
  for (const json::value& item : items) {
    if (!item.is_object()) continue;
    for (const auto& field : item.as_object()) {
      const std::string key(field.key());
      const bool known = std::ranges::find(seen, key) != seen.end();
      if (known || field.value().is_structured()) continue;
      seen.push_back(key);
      columns.push_back({title_of(key),
                         [key](const json::object& row) {
                           const json::value* const value = row.if_contains(key);
                           return value == nullptr ? std::string() : plain_text(*value);
                         },
                         field.value().is_number()});
    }
  }
  return columns;
}

std::vector<std::vector<std::string>> rows_of(const json::array& items, const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows;
  for (const json::value& item : items) {
    std::vector<std::string> row;
    if (item.is_object()) {
      for (const Column& column : columns) row.push_back(visible(column.text(item.as_object())));
    } else {
      row.push_back(visible(plain_text(item)));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string table_of_object(const json::object& object, const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows;
  if (columns.empty()) {
    for (const auto& field : object) rows.push_back({std::string(field.key()), visible(plain_text(field.value()))});
  }
  for (const Column& column : columns) {
    std::string text = visible(column.text(object));
    if (!text.empty() && text != "{}" && text != "[]") rows.push_back({column.title, std::move(text)});
  }
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, width_of(row[0]));
  std::string text;
  for (const auto& row : rows) {
    text += row[1].empty() ? row[0] + "\n" : fmt::format("{}  {}\n", padded(row[0], width, false), row[1]);
  }
  return text;
}

std::string table_of(const json::value& value, const std::vector<Column>& columns) {
  if (value.is_object()) return table_of_object(value.as_object(), columns);
  if (!value.is_array()) return plain_text(value) + "\n";
  const json::array& items = value.as_array();
  const bool objects = std::ranges::any_of(items, [](const json::value& item) { return item.is_object(); });
  std::vector<Column> shown =
      objects ? (columns.empty() ? columns_of(items) : columns) : std::vector<Column>{{"Result", {}, false}};
  if (items.empty()) shown = columns;
  return format_table(rows_of(items, shown), shown);
}

std::string tsv_row(const std::vector<std::string>& cells) { return fmt::format("{}\n", fmt::join(cells, "\t")); }

std::string tsv_of_item(const json::value& item, const std::vector<Column>& columns) {
  std::vector<std::string> cells;
  if (item.is_object() && !columns.empty()) {
    for (const Column& column : columns) cells.push_back(visible(column.text(item.as_object())));
  } else if (item.is_object()) {
    for (const auto& field : item.as_object()) cells.push_back(visible(plain_text(field.value())));
  } else if (item.is_array()) {
    for (const json::value& value : item.as_array()) cells.push_back(visible(plain_text(value)));
  } else {
    cells.push_back(visible(plain_text(item)));
  }
  return tsv_row(cells);
}

std::string tsv_of(const json::value& value, const std::vector<Column>& columns) {
  if (!value.is_array()) return tsv_of_item(value, columns);
  std::string text;
  for (const json::value& item : value.as_array()) text += tsv_of_item(item, columns);
  return text;
}

// Plain where no YAML reader, of 1.1 or 1.2, could take it for anything but this text.
bool is_plain_yaml(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '-' ||
           c == '.';
  };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/'; };
  if (!letter(text.front()) || !std::ranges::all_of(text, safe)) return false;
  static constexpr std::array kWords{"true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"};
  const std::string lowered = lower(text);
  return std::ranges::none_of(kWords, [&](std::string_view word) { return word == lowered; });
}

std::string yaml_scalar(const json::value& value) {
  if (value.is_string()) {
    const std::string_view text(value.as_string().data(), value.as_string().size());
    return is_plain_yaml(text) ? std::string(text) : json::serialize(value);
  }
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return value.is_null() ? "null" : plain_text(value);
}

bool is_nested(const json::value& value) {
  return (value.is_object() && !value.as_object().empty()) || (value.is_array() && !value.as_array().empty());
}

void append_yaml(std::string& text, const json::value& value, size_t indent);

void append_yaml_fields(std::string& text, const json::object& object, size_t indent, bool first_in_place) {
  for (const auto& field : object) {
    if (!first_in_place) text.append(indent, ' ');
    first_in_place = false;
    text += yaml_scalar(json::value(field.key())) + ":";
    if (is_nested(field.value())) {
      text += '\n';
      append_yaml(text, field.value(), field.value().is_array() ? indent : indent + 2);
    } else {
      text += " " + yaml_scalar(field.value()) + "\n";
    }
  }
}

void append_yaml(std::string& text, const json::value& value, size_t indent) {
  if (value.is_object() && !value.as_object().empty()) return append_yaml_fields(text, value.as_object(), indent, false);
  if (!is_nested(value)) {
    text += yaml_scalar(value) + "\n";
    return;
  }
  for (const json::value& item : value.as_array()) {
    text.append(indent, ' ');
    text += "- ";
    if (item.is_object() && !item.as_object().empty()) {
      append_yaml_fields(text, item.as_object(), indent + 2, true);
    } else if (is_nested(item)) {
      text += '\n';
      append_yaml(text, item, indent + 2);
    } else {
      text += yaml_scalar(item) + "\n";
    }
  }
}

}  // namespace

Result<OutputFormat> parse_output_format(std::string_view text) {
  static const std::vector<std::string> kFormats{"table", "json", "jsonc", "yaml", "yamlc", "tsv", "none"};
  if (text == "table") return OutputFormat::kTable;
  if (text == "json" || text == "jsonc") return OutputFormat::kJson;
  if (text == "yaml" || text == "yamlc") return OutputFormat::kYaml;
  if (text == "tsv") return OutputFormat::kTsv;
  if (text == "none") return OutputFormat::kNone;
  const auto nearest = nearest_word(text, kFormats);
  return fail(errors::usage,
              fmt::format("output format {:?} is unknown{}", text, nearest ? fmt::format("; did you mean {}?", *nearest) : ""),
              "Choose one of table, json, yaml, tsv, none.");
}

const json::value* find_field(const json::object& object, std::string_view path) {
  const size_t dot = path.find('.');
  const json::value* const value = object.if_contains(path.substr(0, dot));
  if (value == nullptr || dot == std::string_view::npos) return value;
  return value->is_object() ? find_field(value->as_object(), path.substr(dot + 1)) : nullptr;
}

std::string plain_text(const json::value& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_double()) return fmt::format("{}", value.as_double());
  return json::serialize(value);
}

Column text_column(std::string title, std::string path) {
  return {std::move(title),
          [path = std::move(path)](const json::object& row) {
            const json::value* const value = find_field(row, path);
            return value == nullptr ? std::string() : plain_text(*value);
          },
          false};
}

Column number_column(std::string title, std::string path) {
  Column column = text_column(std::move(title), std::move(path));
  column.right = true;
  return column;
}

Column time_column(std::string title, std::string path) {
  return {std::move(title),
          [path = std::move(path)](const json::object& row) {
            const json::value* const value = find_field(row, path);
            if (value == nullptr || !value->is_string()) return std::string();
            std::string text = std::string(value->as_string()).substr(0, 19);
            if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
            return text;
          },
          false};
}

std::optional<int64_t> run_duration_ms(const json::object& run) {
  const auto time_at = [&](std::string_view key) -> std::optional<UtcMs> {
    const json::value* const value = run.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    const auto time = parse_utc(value->as_string());
    return time ? std::optional<UtcMs>(*time) : std::nullopt;
  };
  const auto start = time_at("startTimeUtc");
  if (!start) return std::nullopt;
  return time_at("endTimeUtc").value_or(system_clock().utc_now_ms()) - *start;
}

Column duration_column(std::string title) {
  return {std::move(title),
          [](const json::object& row) {
            const auto duration = run_duration_ms(row);
            return duration ? human_duration(*duration) : std::string();
          },
          true};
}

std::string format_table(const std::vector<std::vector<std::string>>& rows, const std::vector<Column>& columns) {
  if (columns.empty()) return {};
  std::vector<size_t> widths;
  for (const Column& column : columns) widths.push_back(width_of(column.title));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line = [&](const auto& cell_at) {
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text += "  ";
      text += padded(cell_at(i), widths[i], columns[i].right);
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text + "\n";
  };
  std::string text = line([&](size_t i) { return columns[i].title; });
  text += line([&](size_t i) { return std::string(widths[i], '-'); });
  for (const auto& row : rows) text += line([&](size_t i) { return i < row.size() ? row[i] : std::string(); });
  return text;
}

std::string format_yaml(const json::value& value) {
  std::string text;
  append_yaml(text, value, 0);
  return text;
}

std::string format_output(const json::value& value, OutputFormat format, const std::vector<Column>& columns) {
  switch (format) {
    case OutputFormat::kNone:
      return {};
    case OutputFormat::kJson:
      return pretty_json(value) + (pretty_json(value).ends_with('\n') ? "" : "\n");
    case OutputFormat::kYaml:
      return format_yaml(value);
    case OutputFormat::kTsv:
      return tsv_of(value, columns);
    case OutputFormat::kTable:
      break;
  }
  return table_of(value, columns);
}

}  // namespace werkbank::cli
