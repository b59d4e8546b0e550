// What a project folder says by itself: its workspace (config.json) and its run configurations. The files are read by
// client/project.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "domain/run.hh"

namespace werkbank::cli {

struct ProjectWorkspace {
  std::string name;
  std::string subscription_id;
  std::string resource_group;
  std::filesystem::path file;
};
// The nearest configuration as v1 looks for it (v1_behaviour 2), or nothing. config_invalid where one is there and cannot be
// used.
Result<std::optional<ProjectWorkspace>> find_project_workspace(const std::filesystem::path& folder);

// A run configuration as far as a submit needs it.
struct ProjectRun {
  std::string script;                  // empty: the command line's
  std::vector<std::string> arguments;  // without a script: they come before those of the command line
  RunSpec spec;                        // target, framework, environment, variables, timeout, node count
  json::object pool;                   // what the run brings along for the target amlcompute
  std::vector<std::string> notes;      // for the user
};
// What kind of target the project says `target` is: local, remote, docker, remotedocker, cluster; empty where it does not say.
Result<std::string> project_target_kind(const std::filesystem::path& folder, const std::string& target);
Result<ProjectRun> load_project_run(const std::filesystem::path& folder, const std::string& name);
// Names of the run configurations in the folder, sorted.
std::vector<std::string> list_project_runs(const std::filesystem::path& folder);
// A run configuration's text; the default's for `local` and `docker` without a file.
struct ProjectRunText {
  std::string file;
  std::string text;
};
Result<ProjectRunText> project_run_text(const std::filesystem::path& folder, const std::string& name);
// A file of a new project ("aml_config/docker.compute" …).
std::string project_default(std::string_view file);
// The environment that a v1 definition file (azureml_environment.json) describes; files it names lie in `folder`.
Result<EnvironmentDefinition> load_environment_file(const std::filesystem::path& folder, const std::string& file);
// The environment that a conda_dependencies.yml describes.
Result<EnvironmentDefinition> load_conda_environment(const std::filesystem::path& file);
// A YAML file as JSON.
Result<json::value> load_yaml(const std::string& text, const std::string& name);
// The same for a run configuration, whose 2017 dialect is not quite YAML.
Result<json::value> load_run_config_document(const std::string& text, const std::string& name);

}  // namespace werkbank::cli
