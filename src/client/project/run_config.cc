#include "client/project/run_config.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/files.hh"
#include "base/text.hh"
#include "client/project/default_files.hh"
#include "client/project/run_config_parts.hh"

namespace werkbank::client {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileBytesMax = 1 << 20;
constexpr std::string_view kSuffix = ".runconfig";

std::string without_suffix(const std::string& name) {
  return lower(name).ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

// What lies in .azureml without a suffix and is no run configuration.
bool is_other_file(std::string_view name) { return name.find('.') != std::string_view::npos; }

// Whether the first line that says something begins with a capital letter: misspelt, its key is one of 2017 all the same.
bool begins_pascal(std::string_view text) {
  while (!text.empty()) {
    const size_t start = text.find_first_not_of(" \t\r\n\"'");
    if (start == std::string_view::npos) return false;
    text.remove_prefix(start);
    if (text.front() != '#') return text.front() >= 'A' && text.front() <= 'Z';
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
  return false;
}

Result<ProjectRunConfig> read(const fs::path& folder, const fs::path& file, const std::string& shown) {
  auto text = read_file_range(file, 0, kFileBytesMax + 1);
  if (!text) return fail(errors::config_invalid, fmt::format("{}: {}", shown, text.error().message));
  // A file of aml_config without any key says nothing about its dialect: the folder does.
  const bool old_folder = lower(shown).starts_with("aml_config/");
  const bool blank = text->find_first_not_of(" \t\r\n") == std::string::npos;
  if (is_2017_text(*text) || (old_folder && (blank || begins_pascal(*text)))) return read_2017(folder, shown, *text);
  return read_2020(folder, shown, *text);
}

Error no_such_config(const fs::path& folder, const std::string& name) {
  const std::vector<std::string> known = list_run_configs(folder);
  Error error{&errors::config_invalid, fmt::format("there is no run configuration '{}' in {}", name, folder.string()), "", {}};
  const auto nearest = nearest_word(name, known);
  if (nearest) {
    error.hint = fmt::format("Did you mean '{}'?", *nearest);
  } else if (known.empty()) {
    error.hint = fmt::format(
        "There are none; 'local' and 'docker' need no file. A configuration is aml_config/{0}.runconfig or "
        ".azureml/{0}.runconfig.",
        name);
  } else {
    error.hint = fmt::format("There are: {}.", fmt::join(known, ", "));
  }
  return error;
}

Status check_name(const std::string& name) {
  const bool bad =
      name.empty() || name.size() > 200 || name.front() == '.' || !is_valid_utf8(name) ||
      std::ranges::any_of(name, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  if (bad) {
    return fail(errors::config_invalid,
                fmt::format("'{}' cannot be the name of a run configuration", is_valid_utf8(name) ? name : "(not UTF-8)"),
                "Name it without folder, as in -c local.");
  }
  return {};
}

// The file of a configuration, and the place that is shown for it.
Result<std::optional<std::pair<fs::path, std::string>>> find_file(const fs::path& folder, const std::string& name) {
  const std::array places{fmt::format(".azureml/{}", name), fmt::format(".azureml/{}{}", name, kSuffix),
                          fmt::format("aml_config/{}{}", name, kSuffix)};
  for (const std::string& place : places) {
    TRY(auto file, find_in_project(folder, place));
    std::error_code error;
    if (file && fs::is_regular_file(*file, error)) return std::pair(std::move(*file), place);
  }
  return std::nullopt;
}

}  // namespace

Result<RunConfigText> read_run_config_text(const fs::path& folder, const std::string& asked) {
  const std::string name = without_suffix(asked);
  CHECK_OK(check_name(name));
  TRY(const auto found, find_file(folder, name));
  if (found) {
    auto text = read_file_range(found->first, 0, kFileBytesMax + 1);
    if (!text) return fail(errors::config_invalid, fmt::format("{}: {}", found->second, text.error().message));
    // Published files of 2017 are shown as they are understood.
    return RunConfigText{found->second, is_2017_text(*text) ? repaired_2017(*text) : std::move(*text)};
  }
  const std::string usual = fmt::format("aml_config/{}{}", lower(name), kSuffix);
  const auto text = default_project_file(usual);
  if (!text) return fail(no_such_config(folder, name));
  return RunConfigText{usual, std::string(*text)};
}

Result<std::optional<fs::path>> find_in_project(const fs::path& folder, const std::string& relative) {
  auto parsed = RelativePath::parse(relative);
  if (!parsed) {
    return fail(errors::config_invalid,
                fmt::format("'{}' has to be a path inside of the project folder: {}", relative, parsed.error().message));
  }
  fs::path place = folder;
  for (const fs::path& part : fs::path(parsed->text())) {
    std::vector<std::string> matches;
    std::error_code error;
    for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
      const std::string entry = it->path().filename().string();
      if (lower(entry) == lower(part.string())) matches.push_back(entry);
    }
    if (matches.empty()) return std::nullopt;
    if (matches.size() > 1) {
      std::ranges::sort(matches);
      return fail(errors::config_invalid, fmt::format("{} is there in several spellings: {}", relative, fmt::join(matches, ", ")),
                  "Keep one of them.");
    }
    place /= matches.front();
  }
  return place;
}

Result<fs::path> require_in_project(const fs::path& folder, const std::string& relative, const std::string& named_by) {
  std::string normal = fs::path(relative).lexically_normal().string();  // "./aml_config/x" is usual
  std::ranges::replace(normal, '\\', '/');
  auto found = find_in_project(folder, normal);
  if (!found) return fail_in(named_by, std::move(found).error());
  if (!*found) {
    return fail(errors::config_invalid, fmt::format("{}: there is no file '{}' in the project folder", named_by, relative),
                "Write the file, or name another; its path begins at the project folder.");
  }
  return std::move(**found);
}

Result<ProjectRunConfig> read_run_config_file(const fs::path& folder, const fs::path& file) {
  const fs::path relative = file.lexically_proximate(folder);
  const std::string shown = relative.native().starts_with("..") ? file.string() : relative.string();
  TRY(ProjectRunConfig config, read(folder, file, shown));
  config.name = without_suffix(file.filename().string());
  return config;
}

Result<json::value> run_config_to_json(std::string_view text, const std::string& name) {
  if (!is_2017_text(text)) return yaml_to_json(text, name);
  TRY(YamlNode root, parse_yaml(repaired_2017(text), name));
  // Arguments and variables of that dialect are text as it was written: 0.10 stays 0.10.
  for (YamlEntry& entry : root.entries) {
    if (entry.key.text != "ArgumentVector" && entry.key.text != "EnvironmentVariables") continue;
    for (YamlNode& item : entry.value.items) item.quoted = true;
    for (YamlEntry& variable : entry.value.entries) variable.value.quoted = true;
  }
  return to_json(root);
}

Result<ProjectRunConfig> load_run_config(const fs::path& folder, const std::string& asked) {
  const std::string name = asked.empty() ? "local" : without_suffix(asked);
  CHECK_OK(check_name(name));
  TRY(const auto found, find_file(folder, name));
  if (found) {
    TRY(ProjectRunConfig config, read(folder, found->first, found->second));
    config.name = name;
    return config;
  }
  // `local` and `docker` need no file.
  const std::string usual = fmt::format("aml_config/{}{}", lower(name), kSuffix);
  const auto text = default_project_file(usual);
  if (!text) return fail(no_such_config(folder, name));
  TRY(ProjectRunConfig config, read_2017(folder, usual, *text));
  config.dialect = ConfigDialect::kNone;
  config.name = name;
  config.file.clear();
  return config;
}

std::vector<std::string> list_run_configs(const fs::path& folder) {
  std::set<std::string> names;
  for (const char* place : {".azureml", "aml_config"}) {
    std::error_code error;
    for (fs::directory_iterator it(folder / place, error), end; !error && it != end; it.increment(error)) {
      const std::string entry = it->path().filename().string();
      std::error_code type_error;
      if (!it->is_regular_file(type_error)) continue;
      if (lower(entry).ends_with(kSuffix)) {
        names.insert(without_suffix(entry));
      } else if (std::string_view(place) == ".azureml" && !is_other_file(entry)) {
        names.insert(entry);
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace werkbank::client
