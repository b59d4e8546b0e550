// conda_dependencies.yml: {name, channels, dependencies: [specs…, {pip: [requirements…]}]}.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"
#include "client/project/yaml.hh"
#include "domain/environment.hh"

namespace werkbank::client {

struct CondaFile {
  std::string name;
  std::string python_version;  // "3.6.2", ">=3.6,<3.9"; empty: none
  std::vector<std::string> conda_packages;
  std::vector<std::string> pip_requirements;
  std::vector<std::string> channels;
  std::vector<std::pair<std::string, std::string>> variables;

  // Puts the parts into the definition, which becomes system-managed.
  void apply_to(EnvironmentDefinition& definition) const;
};

Result<CondaFile> conda_file_of(const YamlNode& root, const std::string& name);
Result<CondaFile> read_conda_file(const std::filesystem::path& file, const std::string& name);

}  // namespace werkbank::client
