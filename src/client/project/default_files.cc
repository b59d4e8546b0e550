#include "client/project/default_files.hh"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hh"

namespace werkbank::client {
namespace {

// -c local: the interpreter that is active where the run is submitted.
constexpr std::string_view kLocalRun =
    "ArgumentVector:\n"
    "- \"$file\"\n"
    "Target: local\n"
    "EnvironmentVariables: null\n"
    "Framework: Python\n"
    "PrepareEnvironment: false\n"
    "TrackedRun: true\n"
    "UseSampling: true\n";

constexpr std::string_view kLocalCompute =
    "# This machine. pythonLocation: names the interpreter; without it, it is the one that is active at submit.\n"
    "type: local\n";

constexpr std::string_view kDockerRun =
    "ArgumentVector:\n"
    "- \"$file\"\n"
    "Target: docker\n"
    "EnvironmentVariables: null\n"
    "Framework: PySpark\n"
    "CondaDependenciesFile: aml_config/conda_dependencies.yml\n"
    "SparkDependenciesFile: aml_config/spark_dependencies.yml\n"
    "PrepareEnvironment: true\n"
    "TrackedRun: true\n"
    "UseSampling: true\n";

constexpr std::string_view kDockerCompute =
    "type: docker\n"
    "baseDockerImage: microsoft/mmlspark:plus-0.7.91\n"
    "sharedVolumes: true\n"
    "nvidiaDocker: false\n";

constexpr std::string_view kConda =
    "# What is installed where Werkbank builds the environment: Docker and other machines, not `local`.\n"
    "name: project_environment\n"
    "dependencies:\n"
    "  - python=3.10\n"
    "  - pip:\n"
    "      - azureml-defaults\n";

constexpr std::string_view kSpark =
    "# For scripts of the framework PySpark.\n"
    "configuration: {}\n"
    "repositories: []\n"
    "packages: []\n";

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFiles{{
    {"aml_config/local.compute", kLocalCompute},
    {"aml_config/local.runconfig", kLocalRun},
    {"aml_config/docker.compute", kDockerCompute},
    {"aml_config/docker.runconfig", kDockerRun},
    {"aml_config/conda_dependencies.yml", kConda},
    {"aml_config/spark_dependencies.yml", kSpark},
}};

}  // namespace

std::optional<std::string_view> default_project_file(std::string_view relative) {
  for (const auto& [path, text] : kFiles) {
    if (equal_but_for_case(path, relative)) return text;
  }
  return std::nullopt;
}

}  // namespace werkbank::client
