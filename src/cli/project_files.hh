// The configuration files of a project, written for a start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"
#include "cli/context.hh"

namespace werkbank::cli {

enum class ProjectLayout {
  kWorkbench,  // 2017, `werkbank init` and `az ml project create`: aml_config/ with local, docker and their dependency files
  kExtension,  // 2018 to 2020, `az ml folder attach`: .azureml/ with local and docker run configurations
};

struct ProjectFiles {
  std::filesystem::path folder;
  ProjectLayout layout = ProjectLayout::kWorkbench;
  std::string workspace;  // written into .azureml/config.json, which is replaced where it names another
  std::string subscription_id = "local";
  std::string resource_group = "local";
  bool rebind = false;  // a config.json that is there may be replaced
};

// Where no workspace was chosen: the one that the folder is bound to, with its subscription and group, else "default".
// config_invalid where the folder's config.json cannot be read.
Status keep_binding(ProjectFiles& files);

// Those files that are not there, and .azureml/config.json and .amlignore. Answers the paths written. already_exists, and nothing
// written, where config.json names another workspace and `rebind` is false.
Result<std::vector<std::string>> write_project_files(const ProjectFiles& files);

// One line on stderr about a workspace that a folder was bound to before it is there. On the user's own server the first submit
// makes it; on another one somebody has to.
void say_workspace_is_new(Context& context, const std::string& workspace, bool local_server);
// The same, asking the server first; one that does not answer is no failure of what was done.
void tell_new_workspace(Context& context, const std::string& workspace);

}  // namespace werkbank::cli
