// The published files of 2017 that are not quite YAML (docs/guide/run-configurations.md lists them).
#include <algorithm>
#include <array>
#include <vector>

#include "client/project/run_config_parts.hh"

namespace werkbank::client {
namespace {

constexpr std::array<std::string_view, 11> kRunKeys{"ArgumentVector",        "Target",
                                                    "EnvironmentVariables",  "Framework",
                                                    "CondaDependenciesFile", "SparkDependenciesFile",
                                                    "PrepareEnvironment",    "TrackedRun",
                                                    "UseSampling",           "DataSourceSettings",
                                                    "EnvironmentPolicy"};
constexpr std::string_view kLastRunKey = "DataSourceSubstitutions";
constexpr std::array<std::string_view, 10> kComputeKeys{"type",
                                                        "address",
                                                        "username",
                                                        "password",
                                                        "baseDockerImage",
                                                        "sharedVolumes",
                                                        "nvidiaDocker",
                                                        "nativeSharedDirectory",
                                                        "userManagedEnvironment",
                                                        "pythonLocation"};

bool is_run_key(std::string_view key) { return key == kLastRunKey || std::ranges::find(kRunKeys, key) != kRunKeys.end(); }
bool is_known_key(std::string_view key) { return is_run_key(key) || std::ranges::find(kComputeKeys, key) != kComputeKeys.end(); }

struct Line {
  size_t indent = 0;
  std::string_view key;    // without quotes; empty: the line is no 'key:'
  size_t colon = 0;        // its place in the line
  std::string_view value;  // trimmed, without a comment
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

Line parse_line(std::string_view text) {
  Line line;
  line.indent = std::min(text.find_first_not_of(' '), text.size());
  const std::string_view rest = text.substr(line.indent);
  if (rest.empty() || rest.front() == '#' || rest.front() == '-') return line;
  size_t key_end = 0;
  if (rest.front() == '"' || rest.front() == '\'') {
    const size_t close = rest.find(rest.front(), 1);
    if (close == std::string_view::npos) return line;
    key_end = close + 1;
    if (key_end >= rest.size() || rest[key_end] != ':') return line;
    line.key = rest.substr(1, close - 1);
  } else {
    key_end = rest.find(':');
    if (key_end == std::string_view::npos) return line;
    line.key = trimmed(rest.substr(0, key_end));
  }
  line.colon = line.indent + key_end;
  std::string_view value = trimmed(text.substr(line.colon + 1));
  if (value.starts_with('#')) value = {};
  if (const size_t comment = value.find(" #"); comment != std::string_view::npos) value = trimmed(value.substr(0, comment));
  line.value = value;
  return line;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const size_t newline = text.find('\n');
    lines.emplace_back(text.substr(0, newline));
    if (newline == std::string_view::npos) return lines;
    text = text.substr(newline + 1);
  }
}

bool is_blank_or_comment(std::string_view line) {
  line = trimmed(line);
  return line.empty() || line.front() == '#';
}

// `"ArgumentVector":[`, then lines with dashes, then `]`: the brackets go.
void drop_brackets(std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line line = parse_line(lines[i]);
    if (!is_run_key(line.key) || line.value != "[") continue;
    size_t next = i + 1;
    while (next < lines.size() && is_blank_or_comment(lines[next])) ++next;
    if (next >= lines.size() || !trimmed(lines[next]).starts_with('-')) continue;
    size_t close = next;
    while (close < lines.size() && trimmed(lines[close]) != "]") ++close;
    if (close == lines.size()) continue;
    lines[i].erase(line.colon + 1);
    lines[close].clear();
  }
}

// `Framework:Python`: the blank after the colon.
void add_blanks(std::vector<std::string>& lines) {
  for (std::string& text : lines) {
    const Line line = parse_line(text);
    if (!is_known_key(line.key) || line.colon + 1 >= text.size()) continue;
    const char after = text[line.colon + 1];
    if (after != ' ' && after != '\t' && after != '\r') text.insert(line.colon + 1, " ");
  }
}

// Variables at column 0 below an EnvironmentVariables that has nothing: they are its children up to the next key of a run
// configuration.
void indent_variables(std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line line = parse_line(lines[i]);
    if (line.indent != 0 || line.key != "EnvironmentVariables" || !line.value.empty()) continue;
    for (size_t next = i + 1; next < lines.size(); ++next) {
      if (is_blank_or_comment(lines[next])) continue;
      const Line variable = parse_line(lines[next]);
      if (variable.indent != 0 || variable.key.empty() || is_run_key(variable.key)) break;
      lines[next].insert(0, "  ");
    }
  }
}

}  // namespace

bool is_2017_text(std::string_view text) {
  return std::ranges::any_of(split_lines(text), [](const std::string& one) {
    const Line line = parse_line(one);
    return line.indent == 0 && is_run_key(line.key);
  });
}

std::string repaired_2017(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::string> lines = split_lines(text);
  drop_brackets(lines);
  add_blanks(lines);
  indent_variables(lines);
  std::string result;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result += '\n';
    result += lines[i];
  }
  return result;
}

}  // namespace werkbank::client
