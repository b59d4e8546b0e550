#include "lifecycle/sealed_spec.hh"

#include <fmt/format.h>

#include <functional>
#include <set>

#include "access/sealed_logins.hh"
#include "store/environments.hh"

namespace werkbank::lifecycle {
namespace {

using Change = std::function<Status(std::string&)>;

// A proxy may be written without its scheme: "user:password@proxy:3128".
Status change_variable(const std::string& name, std::string& value, const Change& change) {
  constexpr std::string_view kScheme = "http://";
  const bool is_proxy = name.ends_with("_PROXY") || name.ends_with("_proxy");
  if (!is_proxy || value.find("://") != std::string::npos) return change(value);
  std::string address = std::string(kScheme) + value;
  CHECK_OK(change(address));
  value = address.substr(kScheme.size());
  return {};
}

Status change_variables(TextMap& variables, const Change& change) {
  for (auto& [name, value] : variables) CHECK_OK(change_variable(name, value, change));
  return {};
}

Status change_texts(std::vector<std::string>& texts, const Change& change) {
  for (std::string& text : texts) CHECK_OK(change(text));
  return {};
}

Status change_addresses(EnvironmentDefinition& definition, const Change& change) {
  CHECK_OK(change_texts(definition.pip_requirements, change));
  CHECK_OK(change_texts(definition.conda_packages, change));
  CHECK_OK(change_texts(definition.conda_channels, change));
  return change_variables(definition.variables, change);
}

Status change_addresses(RunSpec& spec, const Change& change) {
  CHECK_OK(change_addresses(spec.environment, change));
  CHECK_OK(change_texts(spec.arguments, change));
  CHECK_OK(change(spec.command));
  CHECK_OK(change_variables(spec.environment_variables, change));
  return change_variables(spec.submitter_environment, change);
}

// docker.baseImageRegistry.password, where it is a text that is not empty.
json::value* registry_password(EnvironmentDefinition& definition) {
  json::value* const registry = definition.docker.if_contains("baseImageRegistry");
  if (registry == nullptr || !registry->is_object()) return nullptr;
  json::value* const password = registry->as_object().if_contains("password");
  return password != nullptr && password->is_string() && !password->as_string().empty() ? password : nullptr;
}

Change sealing(const access::Vault& vault, const std::string& workspace) {
  return [&vault, &workspace](std::string& text) -> Status {
    text = access::seal_logins(vault, workspace, text);
    return {};
  };
}

Change opening(const access::Vault& vault, const std::string& workspace) {
  return [&vault, &workspace](std::string& text) -> Status {
    TRY(text, access::unseal_logins(vault, workspace, text));
    return {};
  };
}

void seal_password(const access::Vault& vault, EnvironmentDefinition& definition) {
  json::value* const password = registry_password(definition);
  if (password == nullptr || access::Vault::is_sealed(std::string_view(password->as_string()))) return;
  *password = vault.seal_alike(Secret(std::string(password->as_string())));
}

Status open_password(const access::Vault& vault, EnvironmentDefinition& definition) {
  json::value* const password = registry_password(definition);
  if (password == nullptr || !access::Vault::is_sealed(std::string_view(password->as_string()))) return {};
  TRY(const Secret opened, vault.unseal(std::string_view(password->as_string())));
  *password = opened.reveal();
  return {};
}

Status refuse_sealed(const std::string& place, std::string text) {
  if (!access::has_sealed_login(text)) return {};
  return fail(errors::invalid_request, fmt::format("{} holds a sealed login, which is not taken there", place),
              "Write the login itself into the address; it is sealed when it comes in.");
}

Status refuse_sealed_variable(const std::string& name, std::string value) {
  const auto refuse = [&name](std::string& text) { return refuse_sealed(fmt::format("the variable {:?}", name), text); };
  return change_variable(name, value, refuse);
}

// The variables of the environments that are registered in the workspace: of all versions of this one, of the newest of others.
Result<std::set<std::pair<std::string, std::string>>> registered_variables(store::Reader& reader, const std::string& workspace,
                                                                           const std::string& name) {
  std::set<std::pair<std::string, std::string>> all;
  const auto add = [&all](const std::vector<store::EnvironmentVersion>& versions) {
    for (const store::EnvironmentVersion& version : versions) {
      // What somebody's run brought was not given to the others.
      if (!version.submitted) all.insert(version.definition.variables.begin(), version.definition.variables.end());
    }
  };
  TRY(const auto newest, reader.environments().newest(workspace));
  add(newest);
  if (name.empty()) return all;
  TRY(const auto versions, reader.environments().versions(workspace, name));
  add(versions);
  return all;
}

}  // namespace

Status check_sealed(store::Reader& reader, const std::string& workspace, const EnvironmentDefinition& definition) {
  for (const auto& [name, value] : definition.variables) {
    Status taken = refuse_sealed_variable(name, value);
    if (taken) continue;
    TRY(const auto known, registered_variables(reader, workspace, definition.name));
    if (!known.contains({name, value})) return taken;
  }
  return {};
}

Status check_sealed(store::Reader& reader, const std::string& workspace, const RunSpec& spec) {
  CHECK_OK(refuse_sealed("the command", spec.command));
  for (const std::string& argument : spec.arguments) CHECK_OK(refuse_sealed("an argument", argument));
  for (const auto& [name, value] : spec.environment_variables) CHECK_OK(refuse_sealed_variable(name, value));
  for (const auto& [name, value] : spec.submitter_environment) CHECK_OK(refuse_sealed_variable(name, value));
  return check_sealed(reader, workspace, spec.environment);
}

void seal_secrets(const access::Vault& vault, const std::string& workspace, EnvironmentDefinition& definition) {
  static_cast<void>(change_addresses(definition, sealing(vault, workspace)));  // sealing never fails
  seal_password(vault, definition);
}

void seal_secrets(const access::Vault& vault, const std::string& workspace, RunSpec& spec) {
  static_cast<void>(change_addresses(spec, sealing(vault, workspace)));
  seal_password(vault, spec.environment);
}

Status open_secrets(const access::Vault& vault, const std::string& workspace, EnvironmentDefinition& definition) {
  CHECK_OK(change_addresses(definition, opening(vault, workspace)));
  return open_password(vault, definition);
}

Status open_secrets(const access::Vault& vault, const std::string& workspace, RunSpec& spec) {
  CHECK_OK(change_addresses(spec, opening(vault, workspace)));
  return open_password(vault, spec.environment);
}

}  // namespace werkbank::lifecycle
