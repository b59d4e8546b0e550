#include "client/project/run_config.hh"

#include <doctest/doctest.h>

#include "base/files.hh"
#include "client/project/run_config_parts.hh"
#include "client/project/test_folder.hh"

namespace werkbank::client {
namespace {

std::string good(const std::string& name) { return *read_file(testdata_folder() / "good" / name); }

ProjectRunConfig loaded(const TestFolder& folder, const std::string& name) {
  auto config = load_run_config(folder.path(), name);
  INFO((config ? std::string() : config.error().to_string()));
  REQUIRE(config.has_value());
  return std::move(*config);
}

Error refused(const TestFolder& folder, const std::string& name) {
  auto config = load_run_config(folder.path(), name);
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().code == &errors::config_invalid);
  return config.error();
}

TEST_CASE("local without any file is the submitter's own python") {
  const TestFolder folder;
  for (const char* name : {"", "local", "local.runconfig"}) {
    const ProjectRunConfig config = loaded(folder, name);
    CHECK(config.dialect == ConfigDialect::kNone);
    CHECK(config.target == "local");
    CHECK(config.framework == "Python");
    CHECK(config.environment.user_managed);
    CHECK(config.environment.interpreter.empty());
    CHECK(config.script.empty());
  }
}

TEST_CASE("2017: a published file that is not quite YAML") {
  TestFolder folder;
  folder.write("aml_config/local.runconfig", good("2017_published.runconfig"));
  folder.write("aml_config/conda_dependencies.yml", "dependancies: [numpy]\n");
  const ProjectRunConfig config = loaded(folder, "local");
  CHECK(config.dialect == ConfigDialect::k2017);
  CHECK(config.script.empty());
  CHECK(config.arguments == std::vector<std::string>{"--alpha", "0.10"});
  CHECK(config.target == "local");
  CHECK(config.framework == "Python");
  CHECK(config.prepare);
  CHECK(config.environment_variables == std::map<std::string, std::string>{{"FIRST", "1"}, {"SECOND", "yes"}});
  CHECK(config.environment.user_managed);
  REQUIRE(config.notes.size() == 2);
  CHECK(config.notes[1].find("aml_config/conda_dependencies.yml:1:1: ") == 0);
  CHECK(config.notes[1].find("'dependancies'") != std::string::npos);
  CHECK(config.notes[1].find("this file has no effect here") != std::string::npos);
}

TEST_CASE("2020: mistakes in a conda file that is not used are told, and one that was never written is none") {
  TestFolder folder;
  const std::string own = "environment:\n  python:\n    userManagedDependencies: true\n    condaDependenciesFile: conda.yml\n";
  folder.write(".azureml/own.runconfig", own);
  CHECK(loaded(folder, "own").notes.empty());
  folder.write("conda.yml", "dependencies: numpy\n");
  const ProjectRunConfig config = loaded(folder, "own");
  REQUIRE(config.notes.size() == 1);
  CHECK(config.notes[0].find("conda.yml:1:15: 'dependencies' has to be a list") == 0);
  CHECK(config.environment.user_managed);
}

TEST_CASE("2017: the interpreter of local.compute, and the defaults") {
  TestFolder folder;
  folder.write("aml_config/local.compute", "type: local\npythonLocation: /opt/py/bin/python\n");
  CHECK(loaded(folder, "local").environment.interpreter == "/opt/py/bin/python");
  folder.write("aml_config/local.runconfig", "ArgumentVector: [train.py, --n, 3]\n");
  const ProjectRunConfig config = loaded(folder, "LOCAL");
  CHECK(config.environment.interpreter == "/opt/py/bin/python");
  CHECK(config.script == "train.py");
  CHECK(config.arguments == std::vector<std::string>{"--n", "3"});
  CHECK(config.framework == "PySpark");
}

TEST_CASE("2017: docker takes the dependency files") {
  TestFolder folder;
  folder.write("aml_config/docker.runconfig", "Target: docker\nFramework: PySpark\nEnvironmentVariables:\n  A: 1\n");
  folder.write("aml_config/docker.compute", "type: localdocker\nbaseDockerImage: image:1\nnvidiaDocker:true\n");
  folder.write("aml_config/Conda_Dependencies.yml", good("conda_dependencies.yml"));
  folder.write("aml_config/spark_dependencies.yml", "packages:\n- {group: g, artifact: a, version: '1'}\n");
  const ProjectRunConfig config = loaded(folder, "docker");
  REQUIRE(config.compute.has_value());
  CHECK(config.compute->type == "docker");
  CHECK(config.compute->nvidia_docker);
  CHECK_FALSE(config.environment.user_managed);
  CHECK(config.environment.python_version == "3.6.2");
  CHECK(config.environment.conda_packages == std::vector<std::string>{"scikit-learn==0.22.1"});
  CHECK(config.environment.pip_requirements.size() == 3);
  CHECK(config.environment.conda_channels == std::vector<std::string>{"anaconda", "conda-forge"});
  CHECK(config.environment.spark.contains("packages"));
  CHECK(config.environment.docker.at("baseImage") == "image:1");
}

TEST_CASE("2020: the file as v1 writes it") {
  TestFolder folder;
  folder.write(".azureml/train", good("2020_written_by_v1.runconfig"));
  folder.write(".azureml/conda_dependencies.yml", good("conda_dependencies.yml"));
  const ProjectRunConfig config = loaded(folder, "train");
  CHECK(config.dialect == ConfigDialect::k2020);
  CHECK(config.file == ".azureml/train");
  CHECK(config.script == "train.py");
  CHECK(config.arguments == std::vector<std::string>{"--regularization", "0.01"});
  CHECK(config.timeout_seconds == 3600);
  CHECK_FALSE(config.priority.has_value());
  CHECK(config.watched_directories == std::vector<std::string>{"logs", "more"});
  CHECK(config.environment.name == "digits");
  CHECK_FALSE(config.environment.user_managed);
  CHECK(config.environment.python_version == "3.6.2");
  CHECK(config.environment.variables.at("EXAMPLE_ENV_VAR") == "EXAMPLE_VALUE");
  CHECK(config.environment_variables.at("LEVEL") == "1.10");
  CHECK(config.notes.empty());
}

TEST_CASE("2020: who manages the environment") {
  TestFolder folder;
  folder.write(".azureml/a.runconfig",
               "environment:\n  python:\n    userManagedDependencies: true\n    interpreterPath: /x/python\n");
  CHECK(loaded(folder, "a").environment.interpreter == "/x/python");
  folder.write(".azureml/b.runconfig",
               "environment:\n  python:\n    userManagedDependencies: true\n    interpreterPath: python\n");
  CHECK(loaded(folder, "b").environment.interpreter.empty());
  folder.write(".azureml/c.runconfig", "script: x.py\n");
  CHECK(loaded(folder, "c").environment.user_managed);
  folder.write("aml_config/d.runconfig", "script: x.py\nenvironment:\n  python:\n    condaDependenciesFile: ./Envs/py.yml\n");
  folder.write("Envs/py.yml", "dependencies:\n- python=3.8\n");
  const ProjectRunConfig d = loaded(folder, "d");
  CHECK_FALSE(d.environment.user_managed);
  CHECK(d.environment.python_version == "3.8");
}

TEST_CASE("the policy for pins, in both dialects") {
  TestFolder folder;
  folder.write(".azureml/a.runconfig", "script: x.py\nenvironment:\n  policy: Nearest\n");
  CHECK(loaded(folder, "a").environment.policy == PinPolicy::kNearest);
  folder.write("aml_config/b.runconfig", "Target: local\nFramework: Python\nEnvironmentPolicy: nearest\n");
  CHECK(loaded(folder, "b").environment.policy == PinPolicy::kNearest);
  folder.write(".azureml/c.runconfig", "script: x.py\nenvironment:\n  policy: roughly\n");
  CHECK(refused(folder, "c").message.find("c.runconfig:3") != std::string::npos);
}

TEST_CASE("a registry's password does not travel") {
  TestFolder folder;
  folder.write(".azureml/p.runconfig",
               "environment:\n  docker:\n    baseImageRegistry: {address: host, password: hidden-word}\n");
  const ProjectRunConfig config = loaded(folder, "p");
  CHECK(canonical_json(config.environment.docker).find("hidden-word") == std::string::npos);
  CHECK(config.notes.size() == 1);
}

TEST_CASE("names: unknown, misspelt, in two spellings, no names at all") {
  TestFolder folder;
  folder.write("aml_config/docker.runconfig", "Target: docker\n");
  folder.write(".azureml/cluster.runconfig", "target: cluster\n");
  CHECK(list_run_configs(folder.path()) == std::vector<std::string>{"cluster", "docker"});
  CHECK(refused(folder, "dokcer").hint == "Did you mean 'docker'?");
  CHECK(refused(folder, "something-else").hint == "There are: cluster, docker.");
  folder.write("aml_config/Docker.runconfig", "Target: docker\n");
  CHECK(refused(folder, "docker").message.find("Docker.runconfig, docker.runconfig") != std::string::npos);
  for (const char* name : {"../x", "a/b", ".hidden", "a\nb"})
    CHECK(refused(folder, name).message.find("cannot be the name") != std::string::npos);
}

TEST_CASE("the document of a file of 2017 keeps arguments and variables as they were written") {
  const auto document =
      run_config_to_json("ArgumentVector:\n  - $file\n  - 0.10\nEnvironmentVariables:\nA: yes\nTrackedRun: true\n", "x");
  REQUIRE(document.has_value());
  CHECK(json::serialize(*document) ==
        R"({"ArgumentVector":["$file","0.10"],"EnvironmentVariables":{"A":"yes"},"TrackedRun":true})");
  CHECK(json::serialize(run_config_to_json("arguments: [10]\ntarget: local\n", "x").value()) ==
        R"({"arguments":[10],"target":"local"})");
}

TEST_CASE("repairs keep the line numbers") {
  const std::string repaired = repaired_2017("EnvironmentVariables:\n# c\nA: 1\nTarget:local\n\"Framework\":\"Python\"\n");
  CHECK(repaired == "EnvironmentVariables:\n# c\n  A: 1\nTarget: local\n\"Framework\": \"Python\"\n");
  // Not null: what is indented already stays as it is.
  CHECK(repaired_2017("EnvironmentVariables:\n  A: 1\nB: 2\n") == "EnvironmentVariables:\n  A: 1\nB: 2\n");
  CHECK(is_2017_text("\"Target\":\"local\"\n"));
  CHECK_FALSE(is_2017_text("target: local\n"));
}

}  // namespace
}  // namespace werkbank::client
