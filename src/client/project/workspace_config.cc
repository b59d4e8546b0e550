#include "client/project/workspace_config.hh"

#include <fmt/format.h>

#include <dirent.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/files.hh"
#include "base/json.hh"
#include "base/text.hh"

namespace werkbank::client {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileBytesMax = 1 << 20;

std::unexpected<Error> refuse(const fs::path& file, std::string_view why) {
  return fail(errors::config_invalid, fmt::format("{}: {}", file.string(), why),
              "It holds {\"subscription_id\", \"resource_group\", \"workspace_name\"}; all three are free text.");
}

Result<std::string> text_of(const json::object& object, std::string_view key, const fs::path& file) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return refuse(file, fmt::format("the key '{}' is missing", key));
  if (!value->is_string()) return refuse(file, fmt::format("'{}' has to be a text", key));
  if (value->as_string().empty()) return refuse(file, fmt::format("'{}' is empty", key));
  return std::string(value->as_string());
}

// "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W": parts 2, 4 and 8 between the
// slashes.
Result<WorkspaceConfig> from_scope(const std::string& scope, const fs::path& file) {
  std::vector<std::string> parts;
  std::string_view rest = scope;
  for (;;) {
    const size_t slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest = rest.substr(slash + 1);
  }
  if (parts.size() < 9 || parts[2].empty() || parts[4].empty() || parts[8].empty()) {
    return refuse(file, fmt::format("'Scope' is not the id of a workspace: '{}'", scope));
  }
  return WorkspaceConfig{file, parts[2], parts[4], parts[8]};
}

// The file of this name in any spelling (config.JSON); empty where there is none. Folders are read with readdir: they may be
// large, and this happens on the way up from every project.
Result<fs::path> find_spelling(const fs::path& folder, std::string_view name) {
  DIR* const handle = opendir(folder.c_str());
  if (handle == nullptr) return fs::path();
  std::vector<std::string> found;
  while (const dirent* const entry = readdir(handle)) {
    std::error_code ignored;
    if (equal_but_for_case(entry->d_name, name) && fs::is_regular_file(folder / entry->d_name, ignored))
      found.emplace_back(entry->d_name);
  }
  closedir(handle);
  if (found.empty()) return fs::path();
  if (found.size() > 1) {
    std::ranges::sort(found);
    return fail(errors::config_invalid,
                fmt::format("{} is there in several spellings: {}", (folder / name).string(), fmt::join(found, ", ")),
                "Keep one of them.");
  }
  return folder / found.front();
}

}  // namespace

Result<WorkspaceConfig> parse_workspace_config(std::string_view text, const fs::path& file) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos)
    return fail(errors::config_invalid, file.string() + ": the file is not UTF-8", "Save it as UTF-8.");
  const auto document = parse_json(text);
  if (!document) return refuse(file, document.error().message);
  if (!document->is_object()) return refuse(file, "an object in braces is expected");
  const json::object& object = document->as_object();
  if (const json::value* scope = object.if_contains("Scope"); scope != nullptr && scope->is_string()) {
    return from_scope(std::string(scope->as_string()), file);
  }
  WorkspaceConfig config;
  config.file = file;
  TRY(config.subscription_id, text_of(object, "subscription_id", file));
  TRY(config.resource_group, text_of(object, "resource_group", file));
  TRY(config.workspace_name, text_of(object, "workspace_name", file));
  return config;
}

Result<WorkspaceConfig> read_workspace_config(const fs::path& file) {
  auto text = read_file(file, kFileBytesMax);
  if (!text) return refuse(file, text.error().message);
  return parse_workspace_config(*text, file);
}

Result<std::optional<WorkspaceConfig>> find_workspace_config(const fs::path& start) {
  std::error_code error;
  const fs::path from = fs::absolute(start, error).lexically_normal();
  if (error) return fail(errno_error(error.value(), "resolve " + start.string()));
  for (const char* place : {".azureml", "aml_config", ""}) {
    for (fs::path folder = from;; folder = folder.parent_path()) {
      for (const std::string_view name : {"config.json", "project.json"}) {
        TRY(const fs::path file, find_spelling(folder / place, name));
        if (file.empty()) continue;
        TRY(WorkspaceConfig config, read_workspace_config(file));
        return config;
      }
      if (folder == folder.parent_path()) break;
    }
  }
  return std::nullopt;
}

}  // namespace werkbank::client
