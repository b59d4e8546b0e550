// YAML behind a narrow door. yaml-cpp is seen by yaml.cc only; the rest reads YamlNode, which knows where in the file it stood.
// Refused with file, line and column: anything that is not UTF-8, tabs and other slips of syntax, a key written twice, more than
// one document, nesting over 32, aliases that unfold to over 100,000 nodes, files over 1 MiB.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hh"
#include "base/result.hh"

namespace werkbank::client {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;     // kScalar: as written
  bool quoted = false;  // kScalar in quotes, or a block: always text
  int line = 1;         // from 1
  int column = 1;
  std::vector<YamlNode> items;     // kList
  std::vector<YamlEntry> entries;  // kMap, in the order of the file; keys are scalars

  bool is_null() const { return kind == Kind::kNull; }
  const YamlNode* find(std::string_view key) const;  // kMap; nullptr otherwise
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

// `name` stands in messages: "aml_config/local.runconfig". config_invalid on anything wrong.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& name);
Result<YamlNode> read_yaml_file(const std::filesystem::path& file, const std::string& name);

// Plain scalars as YAML 1.1 has them: true/yes/on, false/no/off, integers (also 0x, 0o), floats (.inf, .nan become text), null
// and ~. Dates and times stay text.
json::value to_json(const YamlNode& node);
Result<json::value> yaml_to_json(std::string_view text, const std::string& name);

// The truth value of an unquoted true/yes/on/false/no/off in any usual case.
std::optional<bool> yaml_bool(const YamlNode& node);
std::optional<int64_t> yaml_int(const YamlNode& node);

// config_invalid "aml_config/local.runconfig:3:1: …"
std::unexpected<Error> yaml_error(const std::string& name, const YamlNode& at, std::string_view message, std::string hint = {});
const char* yaml_kind_name(const YamlNode& node);  // "a list", "a single value" …

}  // namespace werkbank::client
