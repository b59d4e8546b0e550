#include "cli/project_source.hh"

#include "client/project/compute_file.hh"
#include "client/project/conda_file.hh"
#include "client/project/default_files.hh"
#include "client/project/run_config.hh"
#include "client/project/workspace_config.hh"
#include "client/project/yaml.hh"

namespace werkbank::cli {

Result<std::optional<ProjectWorkspace>> find_project_workspace(const std::filesystem::path& folder) {
  std::error_code ignored;
  TRY(const std::optional<client::WorkspaceConfig> config,
      client::find_workspace_config(std::filesystem::absolute(folder, ignored)));
  if (!config) return std::optional<ProjectWorkspace>();
  return std::optional(ProjectWorkspace{config->workspace_name, config->subscription_id, config->resource_group, config->file});
}

Result<ProjectRun> load_project_run(const std::filesystem::path& folder, const std::string& name) {
  TRY(client::ProjectRunConfig config, client::load_run_config(folder, name));
  ProjectRun run;
  run.script = std::move(config.script);
  run.arguments = std::move(config.arguments);
  run.notes = std::move(config.notes);
  run.pool = std::move(config.pool);
  run.spec.command = std::move(config.command);
  run.spec.target = std::move(config.target);
  run.spec.framework = std::move(config.framework);
  run.spec.environment = std::move(config.environment);
  run.spec.environment_variables = std::move(config.environment_variables);
  run.spec.watched_directories = std::move(config.watched_directories);
  run.spec.collect_outputs = config.collect_outputs;
  run.spec.node_count = config.node_count;
  run.spec.distribution = std::move(config.distribution);
  run.spec.inputs = std::move(config.inputs);
  run.spec.outputs = std::move(config.outputs);
  if (config.timeout_seconds) run.spec.timeout_seconds = *config.timeout_seconds;
  if (config.priority) run.spec.priority = *config.priority;
  return run;
}

Result<std::string> project_target_kind(const std::filesystem::path& folder, const std::string& target) {
  TRY(const std::optional<client::ComputeFile> file, client::find_compute_file(folder, target));
  return file ? file->type : std::string();
}

Result<EnvironmentDefinition> load_conda_environment(const std::filesystem::path& file) {
  TRY(const client::CondaFile conda, client::read_conda_file(file, file.string()));
  EnvironmentDefinition definition;
  conda.apply_to(definition);
  return definition;
}

std::vector<std::string> list_project_runs(const std::filesystem::path& folder) { return client::list_run_configs(folder); }

Result<ProjectRunText> project_run_text(const std::filesystem::path& folder, const std::string& name) {
  TRY(client::RunConfigText found, client::read_run_config_text(folder, name));
  return ProjectRunText{std::move(found.file), std::move(found.text)};
}

std::string project_default(std::string_view file) { return std::string(client::default_project_file(file).value_or("")); }

Result<EnvironmentDefinition> load_environment_file(const std::filesystem::path& folder, const std::string& file) {
  return client::read_environment_file(folder, file);
}

Result<json::value> load_yaml(const std::string& text, const std::string& name) { return client::yaml_to_json(text, name); }

Result<json::value> load_run_config_document(const std::string& text, const std::string& name) {
  return client::run_config_to_json(text, name);
}

}  // namespace werkbank::cli
