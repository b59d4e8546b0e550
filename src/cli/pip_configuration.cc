#include "cli/pip_configuration.hh"

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "base/text.hh"
#include "net/http_client.hh"

namespace werkbank::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSection = "[global]";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t newline = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
  }
  return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    size_t end = 0;
    while (end < text.size() && !is_blank(text[end])) ++end;
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

bool is_comment(std::string_view line) {
  const std::string_view content = trimmed(line);
  return content.starts_with('#') || content.starts_with(';');
}

// Where the section's header and the option stand; the option's values may go on in indented lines.
struct Place {
  std::optional<size_t> section;  // the header's line
  size_t section_end = 0;         // behind its last line
  std::optional<size_t> option;
  size_t option_end = 0;
  std::vector<std::string> values;
};

bool is_option(std::string_view line, std::string_view option, std::string_view& value) {
  if (line.empty() || is_blank(line.front()) || is_comment(line)) return false;
  const size_t separator = line.find_first_of("=:");
  if (separator == std::string_view::npos) return false;
  std::string name = lower(trimmed(line.substr(0, separator)));
  std::ranges::replace(name, '_', '-');
  value = line.substr(separator + 1);
  return name == option;
}

Place find(const std::vector<std::string>& lines, std::string_view option) {
  Place place;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (trimmed(lines[i]).starts_with('[')) {
      if (place.section) break;
      if (trimmed(lines[i]) == kSection) place.section = i;
    }
    if (!place.section) continue;
    if (!trimmed(lines[i]).empty()) place.section_end = i + 1;
    std::string_view value;
    if (!place.option && is_option(lines[i], option, value)) {
      place.option = i;
      place.option_end = i + 1;
      place.values = words_of(value);
    } else if (place.option && place.option_end == i && !lines[i].empty() && is_blank(lines[i].front()) &&
               !is_comment(lines[i])) {
      for (std::string& word : words_of(lines[i])) place.values.push_back(std::move(word));
      place.option_end = i + 1;
    }
  }
  return place;
}

std::vector<std::string> option_lines(const std::string& option, const std::vector<std::string>& values) {
  if (values.size() == 1) return {option + " = " + values.front()};
  std::vector<std::string> lines{option + " ="};
  for (const std::string& value : values) lines.push_back("    " + value);
  return lines;
}

using Line = std::vector<std::string>::difference_type;

void replace_option(std::vector<std::string>& lines, const Place& place, const std::vector<std::string>& fresh) {
  const auto at = lines.begin() + static_cast<Line>(*place.option);
  const auto next = lines.erase(at, lines.begin() + static_cast<Line>(place.option_end));
  lines.insert(next, fresh.begin(), fresh.end());
}

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace

std::string with_source(std::string_view text, const PipSource& source) {
  std::vector<std::string> lines = lines_of(text);
  Place place = find(lines, source.option);
  if (std::ranges::find(place.values, source.value) != place.values.end()) return std::string(text);
  place.values.insert(place.values.begin(), source.value);
  const std::vector<std::string> fresh = option_lines(source.option, place.values);
  if (place.option) {
    replace_option(lines, place, fresh);
  } else if (place.section) {
    lines.insert(lines.begin() + static_cast<Line>(*place.section) + 1, fresh.begin(), fresh.end());
  } else {
    if (!lines.empty() && !trimmed(lines.back()).empty()) lines.emplace_back();
    lines.emplace_back(kSection);
    lines.insert(lines.end(), fresh.begin(), fresh.end());
  }
  return text_of(lines);
}

std::string without_source(std::string_view text, const PipSource& source) {
  std::vector<std::string> lines = lines_of(text);
  Place place = find(lines, source.option);
  if (std::erase(place.values, source.value) == 0) return std::string(text);
  replace_option(lines, place, place.values.empty() ? std::vector<std::string>() : option_lines(source.option, place.values));
  place = find(lines, source.option);
  if (place.section && place.section_end == *place.section + 1) {
    lines.erase(lines.begin() + static_cast<Line>(*place.section));
    while (!lines.empty() && trimmed(lines.back()).empty()) lines.pop_back();
  }
  return text_of(lines);
}

fs::path pip_configuration_file(const std::map<std::string, std::string>& environment) {
  if (const std::string own = value_of(environment, "PIP_CONFIG_FILE"); !own.empty()) return own;
  for (const char* prefix : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const std::string folder = value_of(environment, prefix); !folder.empty()) return fs::path(folder) / "pip.conf";
  }
  const fs::path home = value_of(environment, "HOME");
  std::error_code unknown;
  if (const fs::path old = home / ".pip/pip.conf"; fs::exists(old, unknown)) return old;
  const std::string config = value_of(environment, "XDG_CONFIG_HOME");
  return (config.empty() ? home / ".config" : fs::path(config)) / "pip/pip.conf";
}

std::string file_address(const fs::path& folder) {
  std::string address = "file://";
  for (const fs::path& part : folder.relative_path()) {
    if (!part.empty()) address += "/" + net::encode_segment(part.native());
  }
  return address + "/";
}

}  // namespace werkbank::cli
