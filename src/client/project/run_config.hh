// The run configuration that a name in a project folder stands for, as plain values.
//
// Two dialects are read (docs/guide/run-configurations.md). 2017: aml_config/<name>.runconfig with PascalCase keys, beside
// <target>.compute. 2018 and later: .azureml/<name>, .azureml/<name>.runconfig or aml_config/<name>.runconfig with camelCase
// keys. File names are compared without regard to case; two spellings side by side are refused. Unknown keys and wrong types are
// refused with file, line and, where there is one, the key that was probably meant.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hh"
#include "base/result.hh"
#include "client/project/compute_file.hh"
#include "domain/environment.hh"
#include "domain/run.hh"

namespace werkbank::client {

enum class ConfigDialect { kNone, k2017, k2020 };  // kNone: there was no file, these are the defaults

struct ProjectRunConfig {
  ConfigDialect dialect = ConfigDialect::kNone;
  std::string name;                    // as asked for
  std::string file;                    // relative to the folder; empty with kNone
  std::string script;                  // empty: the command line names it
  std::vector<std::string> arguments;  // come before those of the command line
  std::string command;
  std::string target = "local";
  std::string framework = "Python";
  EnvironmentDefinition environment;
  std::map<std::string, std::string> environment_variables;
  std::optional<int64_t> timeout_seconds;
  std::optional<int64_t> priority;
  int64_t node_count = 1;
  Distribution distribution;
  std::vector<RunInput> inputs;  // of data and dataReferences; a dataset may be "NAME" or "NAME:VERSION"
  std::vector<RunOutput> outputs;
  bool collect_outputs = true;
  bool tracked = true;   // 2017 TrackedRun
  bool prepare = false;  // 2017 PrepareEnvironment
  std::vector<std::string> watched_directories{"logs"};
  std::optional<ComputeFile> compute;  // 2017
  json::object pool;                   // with the target amlcompute: the pool that the run brings along
  std::vector<std::string> notes;      // to be shown: what is read but has no effect
};

// `name` may carry the suffix .runconfig; empty means "local". `local` and `docker` need no file (default_files.hh).
// config_invalid otherwise, with the names there are.
Result<ProjectRunConfig> load_run_config(const std::filesystem::path& folder, const std::string& name);
// The same for one file anywhere (`--run-configuration-file`); paths inside are relative to `folder`.
Result<ProjectRunConfig> read_run_config_file(const std::filesystem::path& folder, const std::filesystem::path& file);
// The text of such a file as plain JSON, unchecked but for its YAML; 2017's published files that are not quite YAML are repaired.
Result<json::value> run_config_to_json(std::string_view text, const std::string& name);
// azureml_environment.json of 2018 and later: the section `environment` of a run configuration as a file of its own. Files it
// names are relative to `folder`.
Result<EnvironmentDefinition> read_environment_file(const std::filesystem::path& folder, const std::string& file);
// A configuration's own text, published slips of 2017 mended; of `local` and `docker` the default where there is no file.
struct RunConfigText {
  std::string file;  // relative to the folder
  std::string text;
};
Result<RunConfigText> read_run_config_text(const std::filesystem::path& folder, const std::string& name);
// The names of the files that load_run_config would take, sorted.
std::vector<std::string> list_run_configs(const std::filesystem::path& folder);

}  // namespace werkbank::client
