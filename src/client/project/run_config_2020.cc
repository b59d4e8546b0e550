// The dialect of 2018 and later: camelCase keys, the environment inside of the file.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "client/project/conda_file.hh"
#include "client/project/run_config_data.hh"
#include "client/project/run_config_parts.hh"
#include "client/project/schema.hh"

namespace werkbank::client {
namespace {

namespace fs = std::filesystem;
using enum ValueKind;

constexpr Key kKeys[] = {
    {"script", kText},
    {"arguments", kTexts},
    {"command", kAnything},
    {"target", kText},
    {"framework", kText},
    {"communicator", kText},
    {"maxRunDurationSeconds", kInteger},
    {"nodeCount", kInteger},
    {"priority", kInteger},
    {"autoPrepareEnvironment", kTruth},
    {"environment", kGroup},
    {"environment.name", kText},
    {"environment.version", kText},
    {"environment.environmentVariables", kTextMap},
    {"environment.policy", kText},
    {"environment.python", kGroup},
    {"environment.python.userManagedDependencies", kTruth},
    {"environment.python.interpreterPath", kText},
    {"environment.python.condaDependenciesFile", kText},
    {"environment.python.condaDependencies", kAnything},
    {"environment.python.baseCondaEnvironment", kText},
    {"environment.docker", kGroup},
    {"environment.docker.enabled", kTruth},
    {"environment.docker.baseImage", kText},
    {"environment.docker.baseDockerfile", kText},
    {"environment.docker.buildContext", kAnything},
    {"environment.docker.sharedVolumes", kTruth},
    {"environment.docker.gpuSupport", kTruth},
    {"environment.docker.shmSize", kText},
    {"environment.docker.arguments", kTexts},
    {"environment.docker.baseImageRegistry", kGroup},
    {"environment.docker.baseImageRegistry.address", kText},
    {"environment.docker.baseImageRegistry.username", kText},
    {"environment.docker.baseImageRegistry.password", kText},
    {"environment.docker.baseImageRegistry.registryIdentity", kAnything},
    {"environment.docker.platform", kGroup},
    {"environment.docker.platform.os", kText},
    {"environment.docker.platform.architecture", kText},
    {"environment.spark", kGroup},
    {"environment.spark.repositories", kTexts},
    {"environment.spark.packages", kAnything},
    {"environment.spark.precachePackages", kTruth},
    {"environment.databricks", kAnything},
    {"environment.r", kAnything},
    {"environment.inferencingStackVersion", kText},
    {"environment.assetId", kText},
    {"history", kGroup},
    {"history.outputCollection", kTruth},
    {"history.snapshotProject", kTruth},
    {"history.directoriesToWatch", kTexts},
    {"spark", kGroup},
    {"spark.configuration", kTextMap},
    {"docker", kGroup},
    {"docker.useDocker", kTruth},
    {"docker.sharedVolumes", kTruth},
    {"docker.arguments", kTexts},
    {"docker.shmSize", kText},
    {"hdi", kGroup},
    {"hdi.yarnDeployMode", kText},
    {"tensorflow", kGroup},
    {"tensorflow.workerCount", kInteger},
    {"tensorflow.parameterServerCount", kInteger},
    {"mpi", kGroup},
    {"mpi.processCountPerNode", kInteger},
    {"mpi.nodeCount", kInteger},
    {"pytorch", kGroup},
    {"pytorch.communicationBackend", kText},
    {"pytorch.processCount", kInteger},
    {"pytorch.nodeCount", kInteger},
    {"paralleltask", kGroup},
    {"paralleltask.maxRetriesPerWorker", kInteger},
    {"paralleltask.workerCountPerNode", kInteger},
    {"paralleltask.terminalExitCodes", kTexts},
    {"dataReferences", kAnything},
    {"data", kAnything},
    {"datacaches", kAnything},
    {"outputData", kAnything},
    {"sourceDirectoryDataStore", kText},
    {"amlcompute", kGroup},
    {"amlcompute.vmSize", kText},
    {"amlcompute.vmPriority", kText},
    {"amlcompute.retainCluster", kTruth},
    {"amlcompute.name", kText},
    {"amlcompute.clusterMaxNodeCount", kInteger},
    {"autoClusterComputeSpecification", kAnything},
    {"kubernetescompute", kGroup},
    {"kubernetescompute.instanceType", kText},
    {"credentialPassthrough", kTruth},
    {"environmentVariables", kTextMap},
    {"applicationEndpoints", kAnything},
};

constexpr std::string_view kUsualCondaFile = ".azureml/conda_dependencies.yml";

class Reader {
 public:
  Reader(const fs::path& folder, std::string name, YamlNode root)
      : folder_(folder), name_(std::move(name)), root_(std::move(root)) {}

  Result<ProjectRunConfig> read() {
    CHECK_OK(check_schema(root_, name_, kKeys, {}));
    config_.dialect = ConfigDialect::k2020;
    config_.file = name_;
    config_.script = text_at(root_, "script");
    config_.arguments = texts_at(root_, "arguments");
    config_.target = text_at(root_, "target", "local");
    if (config_.target.empty()) config_.target = "local";
    CHECK_OK(read_command());
    CHECK_OK(read_framework());
    CHECK_OK(read_numbers());
    config_.collect_outputs = truth_at(root_, "history.outputCollection", true);
    if (node_at(root_, "history.directoriesToWatch") != nullptr)
      config_.watched_directories = texts_at(root_, "history.directoriesToWatch");
    for (auto& [key, value] : text_map_at(root_, "environmentVariables"))
      config_.environment_variables.insert_or_assign(key, value);
    read_pool();
    CHECK_OK(read_data());
    CHECK_OK(read_environment());
    return std::move(config_);
  }

 private:
  Status read_command() {
    const YamlNode* command = node_at(root_, "command");
    if (command == nullptr) return {};
    if (command->kind == YamlNode::Kind::kMap)
      return yaml_error(name_, *command, "'command' has to be a text or a list of words");
    if (command->kind == YamlNode::Kind::kScalar) {
      config_.command = command->text;
      return {};
    }
    for (const YamlNode& word : command->items) {
      if (word.kind != YamlNode::Kind::kScalar) return yaml_error(name_, word, "'command' has to be a text or a list of words");
      config_.command += (config_.command.empty() ? "" : " ") + word.text;
    }
    return {};
  }

  Status read_framework() {
    const std::string framework = text_at(root_, "framework", "Python");
    for (const char* known : {"Python", "PySpark", "PyTorch", "TensorFlow", "CNTK"}) {
      if (lower(framework) == lower(known)) {
        config_.framework = known;
        return {};
      }
    }
    return yaml_error(name_, *node_at(root_, "framework"), fmt::format("'{}' is not a framework", framework),
                      "It is Python, PySpark, PyTorch or TensorFlow.");
  }

  Status read_numbers() {
    config_.timeout_seconds = integer_at(root_, "maxRunDurationSeconds");
    config_.priority = integer_at(root_, "priority");
    config_.node_count = integer_at(root_, "nodeCount").value_or(1);
    if (config_.timeout_seconds && *config_.timeout_seconds < 0) {
      return yaml_error(name_, *node_at(root_, "maxRunDurationSeconds"), "'maxRunDurationSeconds' must not be negative");
    }
    if (config_.node_count < 1 || config_.node_count > 100'000) {
      return yaml_error(name_, *node_at(root_, "nodeCount"), "'nodeCount' has to be at least 1");
    }
    return read_distribution();
  }

  Status read_distribution() {
    Distribution& distribution = config_.distribution;
    const YamlNode* const written = node_at(root_, "communicator");
    auto communicator = canonical_communicator(text_at(root_, "communicator", "None"), "communicator");
    if (!communicator) {
      return yaml_error(name_, *written, fmt::format("'{}' is not a communicator", written->text), communicator.error().hint);
    }
    distribution.communicator = std::move(*communicator);
    const auto read_count = [&](const char* key, int64_t minimum, int64_t& count) -> Status {
      const std::optional<int64_t> value = integer_at(root_, key);
      if (value && *value < minimum)
        return yaml_error(name_, *node_at(root_, key), fmt::format("'{}' has to be at least {}", key, minimum));
      count = value.value_or(count);
      return {};
    };
    CHECK_OK(read_count("mpi.processCountPerNode", 1, distribution.process_count_per_node));
    CHECK_OK(read_count("pytorch.processCount", 1, distribution.process_count));
    CHECK_OK(read_count("tensorflow.workerCount", 1, distribution.worker_count));
    return read_count("tensorflow.parameterServerCount", 0, distribution.parameter_server_count);
  }

  void read_pool() {
    const auto put_text = [this](const char* from, const char* to) {
      if (const std::string text = text_at(root_, from); !text.empty()) config_.pool[to] = text;
    };
    put_text("amlcompute.vmSize", "vmSize");
    put_text("amlcompute.vmPriority", "vmPriority");
    put_text("amlcompute.name", "name");
    if (const auto nodes = integer_at(root_, "amlcompute.clusterMaxNodeCount")) config_.pool["maxNodes"] = *nodes;
    if (truth_at(root_, "amlcompute.retainCluster", false)) config_.pool["retain"] = true;
  }

  Status read_data() {
    // A script that was promised data must not run without it.
    for (const char* key : {"datacaches", "sourceDirectoryDataStore"}) {
      if (!filled_at(root_, key)) continue;
      return yaml_error(name_, *node_at(root_, key), fmt::format("'{}' is not available in this version", key),
                        "Take it out, and name the data under data or dataReferences.");
    }
    if (filled_at(root_, "data")) CHECK_OK(read_data_inputs(*node_at(root_, "data"), name_, config_.inputs));
    if (filled_at(root_, "dataReferences"))
      CHECK_OK(read_data_references(*node_at(root_, "dataReferences"), name_, config_.inputs, config_.outputs));
    if (filled_at(root_, "outputData")) CHECK_OK(read_data_outputs(*node_at(root_, "outputData"), name_, config_.outputs));
    return check_data_ports(config_.inputs, config_.outputs, name_);
  }

  Status read_environment() {
    EnvironmentDefinition& environment = config_.environment;
    environment.name = text_at(root_, "environment.name", environment.name);
    environment.version = text_at(root_, "environment.version");
    for (auto& [key, value] : text_map_at(root_, "environment.environmentVariables"))
      environment.variables.insert_or_assign(key, value);
    if (const YamlNode* const policy = node_at(root_, "environment.policy"); policy != nullptr && !policy->text.empty()) {
      auto read = pin_policy_from(policy->text);
      if (!read) return yaml_error(name_, *policy, read.error().message, read.error().hint);
      environment.policy = *read;
    }
    read_docker();
    if (const YamlNode* spark = node_at(root_, "environment.spark")) environment.spark = to_json(*spark).as_object();
    if (const YamlNode* base = node_at(root_, "environment.python.baseCondaEnvironment");
        base != nullptr && !base->text.empty()) {
      return yaml_error(
          name_, *base, "'environment.python.baseCondaEnvironment' is not supported",
          "Name that environment's interpreter: userManagedDependencies: true and interpreterPath: <path of its python>.");
    }
    if (truth_at(root_, "environment.python.userManagedDependencies", false)) {
      environment.user_managed = true;
      const std::string interpreter = text_at(root_, "environment.python.interpreterPath");
      environment.interpreter = interpreter == "python" ? "" : interpreter;  // v1's default: the submitter's own
      if (const Status fine = check_unused_conda(); !fine)
        config_.notes.push_back(fine.error().message + "; this has no effect here: the run takes its interpreter as it is");
      return {};
    }
    return read_conda();
  }

  void read_docker() {
    json::object docker;
    if (const YamlNode* section = node_at(root_, "environment.docker")) docker = to_json(*section).as_object();
    // A registry's password has no place in a run's definition.
    if (json::value* registry = docker.if_contains("baseImageRegistry"); registry != nullptr && registry->is_object()) {
      if (registry->as_object().erase("password") > 0 && filled_at(root_, "environment.docker.baseImageRegistry.password")) {
        config_.notes.push_back(name_ + ": the registry's password is not taken from the file; keep it as a secret");
      }
    }
    if (truth_at(root_, "docker.useDocker", false)) docker["enabled"] = true;
    for (const char* key : {"sharedVolumes", "arguments", "shmSize"}) {
      if (const YamlNode* value = node_at(root_, fmt::format("docker.{}", key))) docker[key] = to_json(*value);
    }
    config_.environment.docker = std::move(docker);
  }

  std::string named_by(std::string_view key) const {
    const YamlNode* const node = node_at(root_, key);
    return fmt::format("{}:{}: {}", name_, node == nullptr ? 1 : node->line, key);
  }

  // v1 writes conda's part into every file; a file that it names and that was never written is nobody's mistake.
  Status check_unused_conda() {
    if (const YamlNode* inline_file = node_at(root_, "environment.python.condaDependencies")) {
      TRY([[maybe_unused]] const CondaFile file, conda_file_of(*inline_file, name_));
    }
    const std::string named = text_at(root_, "environment.python.condaDependenciesFile", kUsualCondaFile);
    if (!RelativePath::parse(named)) return {};
    TRY(const auto found, find_in_project(folder_, named));
    if (found) {
      TRY([[maybe_unused]] const CondaFile file, read_conda_file(*found, named));
    }
    return {};
  }

  Status read_conda() {
    if (const YamlNode* inline_file = node_at(root_, "environment.python.condaDependencies")) {
      TRY(const CondaFile file, conda_file_of(*inline_file, name_));
      file.apply_to(config_.environment);
      return {};
    }
    const std::string named = text_at(root_, "environment.python.condaDependenciesFile");
    if (!named.empty()) {
      TRY(const fs::path path, require_in_project(folder_, named, named_by("environment.python.condaDependenciesFile")));
      TRY(const CondaFile file, read_conda_file(path, named));
      file.apply_to(config_.environment);
      return {};
    }
    TRY(const auto usual, find_in_project(folder_, std::string(kUsualCondaFile)));
    if (usual) {
      TRY(const CondaFile file, read_conda_file(*usual, std::string(kUsualCondaFile)));
      file.apply_to(config_.environment);
      return {};
    }
    if (const YamlNode* python = node_at(root_, "environment.python")) {
      return yaml_error(name_, *python,
                        fmt::format("'environment.python' asks for a managed environment, and there is no {}", kUsualCondaFile),
                        "Write the file, name another with condaDependenciesFile, or set userManagedDependencies: true.");
    }
    config_.environment.user_managed = true;  // nothing was asked for
    return {};
  }

  const fs::path& folder_;
  std::string name_;
  YamlNode root_;
  ProjectRunConfig config_;
};

}  // namespace

Result<EnvironmentDefinition> read_environment_file(const fs::path& folder, const std::string& file) {
  TRY(const fs::path place, require_in_project(folder, file, folder.string()));
  TRY(YamlNode section, read_yaml_file(place, file));
  YamlNode root;
  root.kind = YamlNode::Kind::kMap;
  YamlNode key;
  key.kind = YamlNode::Kind::kScalar;
  key.text = "environment";
  root.entries.push_back({std::move(key), std::move(section)});
  TRY(ProjectRunConfig config, Reader(folder, file, std::move(root)).read());
  return std::move(config.environment);
}

Result<ProjectRunConfig> read_2020(const fs::path& folder, const std::string& name, std::string_view text) {
  TRY(YamlNode root, parse_yaml(text, name));
  return Reader(folder, name, std::move(root)).read();
}

}  // namespace werkbank::client
