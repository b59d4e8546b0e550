// The dialect of 2017: aml_config/<name>.runconfig beside <target>.compute and the dependency files.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "client/project/conda_file.hh"
#include "client/project/default_files.hh"
#include "client/project/run_config_parts.hh"
#include "client/project/schema.hh"

namespace werkbank::client {
namespace {

namespace fs = std::filesystem;

constexpr Key kRunKeys[] = {
    {"ArgumentVector", ValueKind::kTexts},         {"Target", ValueKind::kText},
    {"EnvironmentVariables", ValueKind::kTextMap}, {"Framework", ValueKind::kText},
    {"CondaDependenciesFile", ValueKind::kText},   {"SparkDependenciesFile", ValueKind::kText},
    {"PrepareEnvironment", ValueKind::kTruth},     {"TrackedRun", ValueKind::kTruth},
    {"EnvironmentPolicy", ValueKind::kText},       {"UseSampling", ValueKind::kTruth},
    {"DataSourceSettings", ValueKind::kAnything},  {"DataSourceSubstitutions", ValueKind::kTextMap},
};

constexpr Key kSparkKeys[] = {
    {"configuration", ValueKind::kTextMap}, {"repositories", ValueKind::kTexts}, {"packages", ValueKind::kAnything}};
constexpr Key kSparkPackageKeys[] = {{"group", ValueKind::kText}, {"artifact", ValueKind::kText}, {"version", ValueKind::kText}};

Result<json::object> spark_of(const YamlNode& root, const std::string& name) {
  CHECK_OK(check_schema(root, name, kSparkKeys, {}));
  if (const YamlNode* packages = node_at(root, "packages")) {
    if (packages->kind != YamlNode::Kind::kList) return yaml_error(name, *packages, "'packages' has to be a list");
    for (const YamlNode& package : packages->items) CHECK_OK(check_schema(package, name, kSparkPackageKeys, {}));
  }
  const json::value document = to_json(root);
  return document.is_object() ? document.as_object() : json::object();
}

// A dependency file of the project, or what stands for it where it is not there.
struct Dependencies {
  fs::path file;  // empty: the default
  std::string name;
};

Result<YamlNode> read_yaml(const Dependencies& dependencies) {
  if (!dependencies.file.empty()) return read_yaml_file(dependencies.file, dependencies.name);
  return parse_yaml(default_project_file(dependencies.name).value_or(""), dependencies.name);
}

Result<CondaFile> read_dependencies(const Dependencies& dependencies) {
  TRY(const YamlNode root, read_yaml(dependencies));
  return conda_file_of(root, dependencies.name);
}

class Reader {
 public:
  Reader(const fs::path& folder, std::string name, YamlNode root, bool is_default)
      : folder_(folder), name_(std::move(name)), root_(std::move(root)), is_default_(is_default) {}

  Result<ProjectRunConfig> read() {
    CHECK_OK(check_schema(root_, name_, kRunKeys, {}));
    config_.dialect = ConfigDialect::k2017;
    config_.file = name_;
    config_.target = text_at(root_, "Target", "local");
    config_.tracked = truth_at(root_, "TrackedRun", true);
    config_.prepare = truth_at(root_, "PrepareEnvironment", false);
    for (auto& [key, value] : text_map_at(root_, "EnvironmentVariables"))
      config_.environment_variables.insert_or_assign(key, value);
    CHECK_OK(read_framework());
    CHECK_OK(read_arguments());
    if (filled_at(root_, "DataSourceSettings") || filled_at(root_, "DataSourceSubstitutions")) {
      config_.notes.push_back(name_ +
                              ": data sources (.dsource) are not read by this version; the script sees the files as they are");
    }
    CHECK_OK(read_compute());
    CHECK_OK(read_environment());
    if (const YamlNode* const policy = node_at(root_, "EnvironmentPolicy"); policy != nullptr && !policy->text.empty()) {
      auto read = pin_policy_from(policy->text);
      if (!read) return yaml_error(name_, *policy, read.error().message, read.error().hint);
      config_.environment.policy = *read;
    }
    return std::move(config_);
  }

 private:
  Status read_framework() {
    const std::string framework = text_at(root_, "Framework", "PySpark");
    if (lower(framework) == "python") {
      config_.framework = "Python";
    } else if (lower(framework) == "pyspark") {
      config_.framework = "PySpark";
    } else {
      return yaml_error(name_, *node_at(root_, "Framework"), fmt::format("'{}' is not a framework", framework),
                        "It is Python or PySpark.");
    }
    return {};
  }

  // The script and its arguments. "$file" stands for the script of the command line.
  Status read_arguments() {
    const std::vector<std::string> words = texts_at(root_, "ArgumentVector");
    if (words.empty()) return {};
    if (words.front() != "$file") config_.script = words.front();
    config_.arguments.assign(words.begin() + 1, words.end());
    return {};
  }

  Status read_compute() {
    if (config_.target.find_first_of("/\\") != std::string::npos || config_.target.starts_with('.')) {
      return yaml_error(name_, *node_at(root_, "Target"), fmt::format("'{}' is not the name of a target", config_.target),
                        "Name a .compute file of aml_config, without folder and suffix.");
    }
    TRY(config_.compute, find_compute_file(folder_, config_.target));
    return {};
  }

  // Local runs take the interpreter as it is: the dependency file is for images and remote machines. Its mistakes are told all
  // the same, and do not stand in the way.
  Status read_environment() {
    const bool local = config_.compute ? config_.compute->type == "local" : config_.target == "local";
    const bool own_interpreter = local || (config_.compute && config_.compute->user_managed_environment);
    if (own_interpreter) {
      config_.environment.user_managed = true;
      if (config_.compute) config_.environment.interpreter = config_.compute->python_location;
      if (const Status fine = check_unused_conda(); !fine)
        config_.notes.push_back(fine.error().message + "; this file has no effect here: the run takes its interpreter as it is");
      return {};
    }
    config_.environment.user_managed = false;
    TRY(const auto conda, dependency_file("CondaDependenciesFile", "aml_config/conda_dependencies.yml"));
    if (conda) {
      TRY(const CondaFile file, read_dependencies(*conda));
      file.apply_to(config_.environment);
    }
    if (config_.framework == "PySpark") {
      TRY(const auto spark, dependency_file("SparkDependenciesFile", "aml_config/spark_dependencies.yml"));
      if (spark) {
        TRY(const YamlNode root, read_yaml(*spark));
        TRY(config_.environment.spark, spark_of(root, spark->name));
      }
    }
    if (config_.compute && (config_.compute->type == "docker" || config_.compute->type == "remotedocker")) {
      config_.environment.docker = {{"enabled", true},
                                    {"baseImage", config_.compute->base_docker_image},
                                    {"sharedVolumes", config_.compute->shared_volumes},
                                    {"gpuSupport", config_.compute->nvidia_docker}};
    }
    return {};
  }

  Status check_unused_conda() {
    TRY(const auto conda, dependency_file("CondaDependenciesFile", "aml_config/conda_dependencies.yml"));
    if (conda) {
      TRY([[maybe_unused]] const CondaFile file, read_dependencies(*conda));
    }
    return {};
  }

  std::string named_by(std::string_view key) const {
    const YamlNode* const node = node_at(root_, key);
    return fmt::format("{}:{}: {}", name_, node == nullptr ? 1 : node->line, key);
  }

  // The file that a key names (it must be there), otherwise the usual one where it is there. `docker` without files of its own
  // has the defaults.
  Result<std::optional<Dependencies>> dependency_file(std::string_view key, const std::string& usual) {
    const std::string named = text_at(root_, key);
    TRY(auto file, find_in_project(folder_, usual));
    if (!named.empty() && named != usual) {
      TRY(fs::path other, require_in_project(folder_, named, named_by(key)));
      return Dependencies{std::move(other), named};
    }
    if (file) return Dependencies{std::move(*file), usual};
    if (!named.empty() && !is_default_) {
      TRY(file, require_in_project(folder_, named, named_by(key)));
    }
    if (is_default_) return Dependencies{{}, usual};
    return std::nullopt;
  }

  const fs::path& folder_;
  std::string name_;
  YamlNode root_;
  bool is_default_;  // there is no file: the text is that of default_files.hh
  ProjectRunConfig config_;
};

}  // namespace

Result<ProjectRunConfig> read_2017(const fs::path& folder, const std::string& name, std::string_view text) {
  TRY(YamlNode root, parse_yaml(repaired_2017(text), name));
  const auto usual = default_project_file(name);
  return Reader(folder, name, std::move(root), usual && usual->data() == text.data()).read();
}

}  // namespace werkbank::client
