// config.json as v1 looks for it: which workspace a folder belongs to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank::client {

struct WorkspaceConfig {
  std::filesystem::path file;
  std::string subscription_id;  // free text
  std::string resource_group;
  std::string workspace_name;
};

// Keys subscription_id, resource_group, workspace_name; or Scope with the full id of the resource. Other keys are ignored.
Result<WorkspaceConfig> parse_workspace_config(std::string_view text, const std::filesystem::path& file);
Result<WorkspaceConfig> read_workspace_config(const std::filesystem::path& file);
// Three sweeps from `start` up to the root: .azureml/, then aml_config/, then the folder itself; in each config.json before
// project.json. So a .azureml/config.json far up wins over a config.json beside the script. Nothing where there is none.
Result<std::optional<WorkspaceConfig>> find_workspace_config(const std::filesystem::path& start);

}  // namespace werkbank::client
