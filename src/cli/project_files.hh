// The configuration files of a project, written for a start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::cli {

struct ProjectFiles {
  std::filesystem::path folder;
  std::string workspace;
  std::string subscription_id = "local";
  std::string resource_group = "local";
};

// .azureml/config.json, local.runconfig, conda_dependencies.yml and .amlignore: those that are not there. Answers their paths.
Result<std::vector<std::string>> write_project_files(const ProjectFiles& files);

}  // namespace werkbank::cli
