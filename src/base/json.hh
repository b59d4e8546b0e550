// Boost.JSON behind a narrow door: limits at parsing, errors that name the field, canonical writing for hashes.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank {

namespace json = boost::json;

struct JsonLimits {
  size_t size_bytes_max = 8 * 1024 * 1024;
  size_t depth_max = 32;
};

// Parses one document. invalid_request with line and column on bad text, a duplicate key, too deep, too large, or invalid UTF-8.
Result<json::value> parse_json(std::string_view text, const JsonLimits& limits = {});
// Keys sorted, no white space, shortest doubles that read back exactly: equal values give equal bytes.
std::string canonical_json(const json::value& value);
// Two spaces of indent, for people.
std::string pretty_json(const json::value& value);

// Reads the fields of one object and reports the first thing wrong with it, by its path ("spec.environment.python").
// Usage: JsonReader r(value, "spec"); std::string script = r.required_string("script"); … ; CHECK_OK(r.finish());
// After the first error every getter answers a default, so a whole object is read without a test after each line.
class JsonReader {
 public:
  JsonReader(const json::value& value, std::string path);

  bool has(std::string_view key) const;  // there, and not null
  std::string required_string(std::string_view key);
  std::string string_or(std::string_view key, std::string_view fallback = {});
  std::optional<std::string> optional_string(std::string_view key);
  int64_t int_or(std::string_view key, int64_t fallback, int64_t minimum, int64_t maximum);
  std::optional<int64_t> optional_int(std::string_view key);
  double double_or(std::string_view key, double fallback);
  bool bool_or(std::string_view key, bool fallback);
  std::vector<std::string> strings_or_empty(std::string_view key);                             // a list of texts
  std::vector<std::pair<std::string, std::string>> string_map_or_empty(std::string_view key);  // an object of texts, in order
  const json::value* value(std::string_view key);                                              // nullptr: not there or null
  const json::object* object(std::string_view key);
  const json::array* array(std::string_view key);
  void refuse(std::string_view key, std::string message);  // records a caller's own finding

  // The first error, or success. With unknown keys refused, an unread key is an error that suggests the nearest known one.
  Status finish(bool refuse_unknown_keys = true);
  const std::string& path() const { return path_; }

 private:
  const json::value* find(std::string_view key);
  std::string path_;
  const json::object* object_ = nullptr;
  std::vector<std::string> seen_;
  std::optional<Error> error_;
};

// The nearest of the known words within edit distance 3 (and a third of the length), or nothing. For "did you mean".
std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace werkbank
