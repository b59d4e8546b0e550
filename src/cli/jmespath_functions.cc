#include "cli/jmespath_functions.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/output.hh"

namespace werkbank::cli::jmespath {
namespace {

using Arguments = std::vector<Argument>;

double number_of(const json::value& value) { return value.to_number<double>(); }

json::value number_value(double number) {
  const bool whole = std::floor(number) == number && std::abs(number) < 9e15;
  return whole ? json::value(static_cast<int64_t>(number)) : json::value(number);
}

bool all_numbers(const json::value& value) {
  return value.is_array() && std::ranges::all_of(value.as_array(), [](const json::value& item) { return item.is_number(); });
}
bool all_texts(const json::value& value) {
  return value.is_array() && std::ranges::all_of(value.as_array(), [](const json::value& item) { return item.is_string(); });
}

Error misfit(std::string_view name, std::string_view wanted) {
  return Error{
      &errors::usage, fmt::format("--query: {}() needs {}", name, wanted), "See https://jmespath.org for the functions.", {}};
}

std::string_view text_of(const json::value& value) { return {value.as_string().data(), value.as_string().size()}; }

std::string_view type_name(const json::value& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "boolean";
  if (value.is_number()) return "number";
  if (value.is_string()) return "string";
  return value.is_array() ? "array" : "object";
}

// sort_by, min_by, max_by: the items with their keys, all numbers or all texts.
struct Keyed {
  json::value key;
  json::value item;
  size_t place = 0;  // equal keys keep their order
};
Result<std::vector<Keyed>> keyed(std::string_view name, const Arguments& arguments) {
  if (arguments.size() != 2 || !arguments[0].value.is_array() || !arguments[1].reference) {
    return std::unexpected(misfit(name, "an array and an &expression"));
  }
  std::vector<Keyed> items;
  for (const json::value& item : arguments[0].value.as_array()) {
    TRY(json::value key, arguments[1].reference(item));
    const bool comparable = key.is_number() || key.is_string();
    const bool alike = items.empty() || items.front().key.is_number() == key.is_number();
    if (!comparable || !alike) return std::unexpected(misfit(name, "keys that are all numbers or all texts"));
    items.push_back({std::move(key), item, items.size()});
  }
  return items;
}

Result<json::value> by_key(std::string_view name, const Arguments& arguments) {
  TRY(std::vector<Keyed> items, keyed(name, arguments));
  const auto less = [](const Keyed& left, const Keyed& right) { return order_of(left.key, right.key) < 0; };
  if (name == "sort_by") {
    std::ranges::sort(items, [&](const Keyed& left, const Keyed& right) {
      const int order = order_of(left.key, right.key);
      return order < 0 || (order == 0 && left.place < right.place);
    });
    json::array sorted;
    for (Keyed& item : items) sorted.push_back(std::move(item.item));
    return json::value(std::move(sorted));
  }
  if (items.empty()) return json::value(nullptr);
  const auto found = name == "max_by" ? std::ranges::max_element(items, less) : std::ranges::min_element(items, less);
  return found->item;
}

Result<json::value> extreme(std::string_view name, const json::value& value) {
  if (!all_numbers(value) && !all_texts(value)) return std::unexpected(misfit(name, "an array of numbers or of texts"));
  json::array items = value.as_array();
  const auto less = [](const json::value& left, const json::value& right) { return order_of(left, right) < 0; };
  if (name == "sort") {
    std::sort(items.begin(), items.end(), less);
    return json::value(std::move(items));
  }
  if (items.empty()) return json::value(nullptr);
  return name == "max" ? *std::max_element(items.begin(), items.end(), less)
                       : *std::min_element(items.begin(), items.end(), less);
}

Result<json::value> of_numbers(std::string_view name, const json::value& value) {
  if (!all_numbers(value)) return std::unexpected(misfit(name, "an array of numbers"));
  double sum = 0;
  for (const json::value& item : value.as_array()) sum += number_of(item);
  if (name == "sum") return number_value(sum);
  const size_t count = value.as_array().size();
  return count == 0 ? json::value(nullptr) : number_value(sum / static_cast<double>(count));
}

Result<json::value> of_one_number(std::string_view name, const json::value& value) {
  if (!value.is_number()) return std::unexpected(misfit(name, "a number"));
  const double number = number_of(value);
  return number_value(name == "abs" ? std::abs(number) : name == "ceil" ? std::ceil(number) : std::floor(number));
}

Result<json::value> size_of(const json::value& value) {
  if (value.is_array()) return json::value(value.as_array().size());
  if (value.is_object()) return json::value(value.as_object().size());
  if (!value.is_string()) return std::unexpected(misfit("length", "a text, an array or an object"));
  return json::value(
      std::ranges::count_if(text_of(value), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Result<json::value> parts_of(std::string_view name, const json::value& value) {
  if (!value.is_object()) return std::unexpected(misfit(name, "an object"));
  json::array parts;
  for (const auto& field : value.as_object()) parts.push_back(name == "keys" ? json::value(field.key()) : field.value());
  return json::value(std::move(parts));
}

Result<json::value> reversed(const json::value& value) {
  if (value.is_array())
    return json::value(
        json::array(std::make_reverse_iterator(value.as_array().end()), std::make_reverse_iterator(value.as_array().begin())));
  if (!value.is_string()) return std::unexpected(misfit("reverse", "an array or a text"));
  return json::value(std::string(text_of(value).rbegin(), text_of(value).rend()));
}

Result<json::value> as_number(const json::value& value) {
  if (value.is_number()) return value;
  if (!value.is_string()) return json::value(nullptr);
  const auto number = parse_json(text_of(value));
  return number && number->is_number() ? *number : json::value(nullptr);
}

Result<json::value> as_text(const json::value& value) { return value.is_string() ? value : json::value(json::serialize(value)); }

Result<json::value> contains(const json::value& whole, const json::value& part) {
  if (whole.is_array()) {
    return json::value(std::ranges::any_of(whole.as_array(), [&](const json::value& item) { return is_equal(item, part); }));
  }
  if (!whole.is_string()) return std::unexpected(misfit("contains", "an array or a text, and what to look for"));
  return json::value(part.is_string() && text_of(whole).find(text_of(part)) != std::string_view::npos);
}

Result<json::value> with_edge(std::string_view name, const json::value& whole, const json::value& part) {
  if (!whole.is_string() || !part.is_string()) return std::unexpected(misfit(name, "two texts"));
  return json::value(name == "starts_with" ? text_of(whole).starts_with(text_of(part)) : text_of(whole).ends_with(text_of(part)));
}

Result<json::value> join(const json::value& glue, const json::value& texts) {
  if (!glue.is_string() || !all_texts(texts)) return std::unexpected(misfit("join", "a text and an array of texts"));
  std::string joined;
  for (size_t i = 0; i < texts.as_array().size(); ++i) {
    if (i > 0) joined += text_of(glue);
    joined += text_of(texts.as_array()[i]);
  }
  return json::value(joined);
}

Result<json::value> mapped(const Arguments& arguments) {
  if (arguments.size() != 2 || !arguments[0].reference || !arguments[1].value.is_array()) {
    return std::unexpected(misfit("map", "an &expression and an array"));
  }
  json::array results;
  for (const json::value& item : arguments[1].value.as_array()) {
    TRY(json::value result, arguments[0].reference(item));
    results.push_back(std::move(result));
  }
  return json::value(std::move(results));
}

Result<json::value> merged(const Arguments& arguments) {
  json::object whole;
  for (const Argument& argument : arguments) {
    if (!argument.value.is_object()) return std::unexpected(misfit("merge", "objects"));
    for (const auto& field : argument.value.as_object()) whole[field.key()] = field.value();
  }
  return json::value(std::move(whole));
}

Result<json::value> first_not_null(const Arguments& arguments) {
  for (const Argument& argument : arguments) {
    if (!argument.value.is_null()) return argument.value;
  }
  return json::value(nullptr);
}

Result<json::value> call_unary(std::string_view name, const json::value& value) {
  if (name == "length") return size_of(value);
  if (name == "keys" || name == "values") return parts_of(name, value);
  if (name == "sum" || name == "avg") return of_numbers(name, value);
  if (name == "max" || name == "min" || name == "sort") return extreme(name, value);
  if (name == "abs" || name == "ceil" || name == "floor") return of_one_number(name, value);
  if (name == "reverse") return reversed(value);
  if (name == "to_number") return as_number(value);
  if (name == "to_string") return as_text(value);
  if (name == "to_array") return value.is_array() ? value : json::value(json::array{value});
  return json::value(type_name(value));  // "type"
}

const std::vector<std::string> kUnary{"length", "keys", "values", "sum",     "avg",       "max",       "min",      "sort",
                                      "abs",    "ceil", "floor",  "reverse", "to_number", "to_string", "to_array", "type"};
const std::vector<std::string> kOthers{"sort_by",   "max_by", "min_by", "contains", "starts_with",
                                       "ends_with", "join",   "map",    "merge",    "not_null"};

bool is_one_of(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_true(const json::value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.as_bool();
  if (value.is_string()) return !value.as_string().empty();
  if (value.is_array()) return !value.as_array().empty();
  if (value.is_object()) return !value.as_object().empty();
  return true;
}

bool is_equal(const json::value& left, const json::value& right) {
  if (left.is_number() && right.is_number()) return number_of(left) == number_of(right);
  return left == right;
}

int order_of(const json::value& left, const json::value& right) {
  if (left.is_string() && right.is_string()) return text_of(left).compare(text_of(right));
  const double a = number_of(left);
  const double b = number_of(right);
  return a < b ? -1 : a > b ? 1 : 0;
}

Result<json::value> call_function(std::string_view name, const Arguments& arguments) {
  if (is_one_of(kUnary, name)) {
    if (arguments.size() != 1 || arguments[0].reference) return std::unexpected(misfit(name, "one value"));
    return call_unary(name, arguments[0].value);
  }
  if (name == "sort_by" || name == "max_by" || name == "min_by") return by_key(name, arguments);
  if (name == "map") return mapped(arguments);
  if (name == "merge") return merged(arguments);
  if (name == "not_null") return first_not_null(arguments);
  if (is_one_of(kOthers, name)) {
    if (arguments.size() != 2) return std::unexpected(misfit(name, "two values"));
    if (name == "contains") return contains(arguments[0].value, arguments[1].value);
    if (name == "join") return join(arguments[0].value, arguments[1].value);
    return with_edge(name, arguments[0].value, arguments[1].value);
  }
  std::vector<std::string> known = kUnary;
  known.insert(known.end(), kOthers.begin(), kOthers.end());
  const auto nearest = nearest_word(name, known);
  return fail(
      errors::usage,
      fmt::format("--query: there is no function {}(){}", name, nearest ? fmt::format("; did you mean {}()?", *nearest) : ""),
      "See https://jmespath.org for the functions.");
}

}  // namespace werkbank::cli::jmespath
