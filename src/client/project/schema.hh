// Tables of the keys that a file may have, and the check of a whole file against one: unknown keys and wrong types are told with
// their line before anything is read, so that readers need no test after each line.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "client/project/yaml.hh"

namespace werkbank::client {

enum class ValueKind { kText, kTruth, kInteger, kTexts, kTextMap, kGroup, kAnything };  // null is allowed everywhere

struct Key {
  std::string_view path;  // "environment.python.interpreterPath"; its groups have to be in the table, too
  ValueKind kind;
};

// `prefix` is the path of `root` in the table; empty for a file.
Status check_schema(const YamlNode& root, const std::string& name, std::span<const Key> keys, std::string_view prefix);

// Values by path, after the check. Null and absent are the same.
const YamlNode* node_at(const YamlNode& root, std::string_view path);
std::string text_at(const YamlNode& root, std::string_view path, std::string_view fallback = {});
bool truth_at(const YamlNode& root, std::string_view path, bool fallback);
std::optional<int64_t> integer_at(const YamlNode& root, std::string_view path);
std::vector<std::string> texts_at(const YamlNode& root, std::string_view path);
std::vector<std::pair<std::string, std::string>> text_map_at(const YamlNode& root, std::string_view path);
// Whether there is anything in it: a non-empty list, map or text.
bool filled_at(const YamlNode& root, std::string_view path);

}  // namespace werkbank::client
