#include "client/project/conda_file.hh"

#include <fmt/format.h>

#include "client/project/schema.hh"

namespace werkbank::client {
namespace {

constexpr Key kKeys[] = {
    {"name", ValueKind::kText},   {"channels", ValueKind::kTexts},    {"dependencies", ValueKind::kAnything},
    {"prefix", ValueKind::kText}, {"variables", ValueKind::kTextMap},
};

bool is_python(std::string_view spec) {
  if (!spec.starts_with("python")) return false;
  return spec.size() == 6 || std::string_view("=<>!~ ").find(spec[6]) != std::string_view::npos;
}

// "python=3.6.2" → "3.6.2", "python >=3.6,<3.9" → ">=3.6,<3.9", "python=3.6.2=build" → "3.6.2".
std::string python_version_of(std::string_view spec) {
  std::string_view rest = spec.substr(6);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const bool equals = rest.starts_with('=');
  while (rest.starts_with('=') || (equals && rest.starts_with(' '))) rest.remove_prefix(1);
  if (equals) rest = rest.substr(0, rest.find('='));
  std::string version;
  for (const char c : rest) {
    if (c != ' ') version += c;
  }
  return version == "*" ? "" : version;
}

Status read_pip(const YamlNode& node, const std::string& name, CondaFile& file) {
  if (node.is_null()) return {};
  if (node.kind != YamlNode::Kind::kList) return yaml_error(name, node, "'pip' has to be a list of requirements");
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::kScalar || item.text.empty()) {
      return yaml_error(name, item, fmt::format("a requirement has to be a text, not {}", yaml_kind_name(item)));
    }
    file.pip_requirements.push_back(item.text);
  }
  return {};
}

Status read_dependency(const YamlNode& item, const std::string& name, CondaFile& file, bool& pip_seen) {
  if (item.kind == YamlNode::Kind::kMap) {
    for (const auto& [key, value] : item.entries) {
      if (key.text != "pip")
        return yaml_error(name, key, fmt::format("'{}': a dependency is a text such as numpy=1.19, or the list 'pip'", key.text));
      if (pip_seen) return yaml_error(name, key, "there are two lists 'pip'", "Put their lines together.");
      pip_seen = true;
      CHECK_OK(read_pip(value, name, file));
    }
    return {};
  }
  if (item.kind != YamlNode::Kind::kScalar || item.text.empty()) {
    return yaml_error(name, item, fmt::format("a dependency has to be a text such as numpy=1.19, not {}", yaml_kind_name(item)));
  }
  if (is_python(item.text)) {
    file.python_version = python_version_of(item.text);
  } else {
    file.conda_packages.push_back(item.text);
  }
  return {};
}

}  // namespace

void CondaFile::apply_to(EnvironmentDefinition& definition) const {
  definition.user_managed = false;
  definition.python_version = python_version;
  definition.conda_packages = conda_packages;
  definition.pip_requirements = pip_requirements;
  definition.conda_channels = channels;
  for (const auto& [key, value] : variables) definition.variables.insert_or_assign(key, value);
}

Result<CondaFile> conda_file_of(const YamlNode& root, const std::string& name) {
  CondaFile file;
  if (root.is_null()) return file;
  CHECK_OK(check_schema(root, name, kKeys, {}));
  file.name = text_at(root, "name");
  file.channels = texts_at(root, "channels");
  file.variables = text_map_at(root, "variables");
  const YamlNode* dependencies = root.find("dependencies");
  if (dependencies == nullptr || dependencies->is_null()) return file;
  if (dependencies->kind != YamlNode::Kind::kList) return yaml_error(name, *dependencies, "'dependencies' has to be a list");
  bool pip_seen = false;
  for (const YamlNode& item : dependencies->items) CHECK_OK(read_dependency(item, name, file, pip_seen));
  return file;
}

Result<CondaFile> read_conda_file(const std::filesystem::path& file, const std::string& name) {
  TRY(const YamlNode root, read_yaml_file(file, name));
  return conda_file_of(root, name);
}

}  // namespace werkbank::client
