#include "domain/environment.hh"

#include <string_view>
#include <utility>

#include "base/hash.hh"
#include "base/text.hh"

namespace werkbank {
namespace {

json::array texts_to_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

json::object map_to_json(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

std::map<std::string, std::string> read_map(JsonReader& reader, std::string_view key) {
  std::map<std::string, std::string> map;
  for (auto& [name, value] : reader.string_map_or_empty(key)) map.insert_or_assign(std::move(name), std::move(value));
  return map;
}

json::object read_object(JsonReader& reader, std::string_view key) {
  const json::object* object = reader.object(key);
  return object ? *object : json::object{};
}

PinPolicy read_policy(JsonReader& reader) {
  const std::string policy = reader.string_or("policy", "exact");
  if (const Result<PinPolicy> read = pin_policy_from(policy)) return *read;
  reader.refuse("policy", "must be \"exact\" or \"nearest\", not \"" + policy + "\"");
  return PinPolicy::kExact;
}

std::string_view policy_text(PinPolicy policy) { return policy == PinPolicy::kNearest ? "nearest" : "exact"; }

// What an environment variable can be: a name without '=' or NUL, a value without NUL.
void check_variables(JsonReader& reader, const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) {
    const bool bad_name = name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos;
    if (bad_name) reader.refuse("variables", "'" + name + "' cannot be the name of an environment variable");
    if (value.find('\0') != std::string::npos) reader.refuse("variables", "the value of '" + name + "' holds a NUL character");
  }
}

}  // namespace

Result<PinPolicy> pin_policy_from(std::string_view text) {
  const std::string lowered = lower(text);
  if (lowered == "exact") return PinPolicy::kExact;
  if (lowered == "nearest") return PinPolicy::kNearest;
  return fail(errors::invalid_request, "the environment's policy is \"exact\" or \"nearest\", not \"" + std::string(text) + "\"",
              "With exact (the default) pins are met or the run fails; with nearest they become lower bounds where they must.");
}

json::object to_json(const EnvironmentDefinition& definition) {
  json::object object;
  object["name"] = definition.name;
  object["version"] = definition.version;
  object["userManaged"] = definition.user_managed;
  object["interpreter"] = definition.interpreter;
  object["pythonVersion"] = definition.python_version;
  object["pipRequirements"] = texts_to_json(definition.pip_requirements);
  object["condaPackages"] = texts_to_json(definition.conda_packages);
  object["condaChannels"] = texts_to_json(definition.conda_channels);
  object["policy"] = policy_text(definition.policy);
  object["variables"] = map_to_json(definition.variables);
  object["docker"] = definition.docker;
  object["spark"] = definition.spark;
  object["other"] = definition.other;
  return object;
}

Result<EnvironmentDefinition> environment_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  EnvironmentDefinition definition;
  definition.name = reader.string_or("name", definition.name);
  definition.version = reader.string_or("version");
  definition.user_managed = reader.bool_or("userManaged", definition.user_managed);
  definition.interpreter = reader.string_or("interpreter");
  definition.python_version = reader.string_or("pythonVersion");
  definition.pip_requirements = reader.strings_or_empty("pipRequirements");
  definition.conda_packages = reader.strings_or_empty("condaPackages");
  definition.conda_channels = reader.strings_or_empty("condaChannels");
  definition.policy = read_policy(reader);
  definition.variables = read_map(reader, "variables");
  check_variables(reader, definition.variables);
  definition.docker = read_object(reader, "docker");
  definition.spark = read_object(reader, "spark");
  definition.other = read_object(reader, "other");
  if (definition.name.empty()) reader.refuse("name", "must not be empty");
  if (definition.interpreter.find('\0') != std::string::npos) reader.refuse("interpreter", "holds a NUL character");
  CHECK_OK(reader.finish());
  return definition;
}

json::object to_json(const EnvironmentRecipe& recipe) {
  json::object object;
  object["kind"] = recipe.kind;
  object["hash"] = recipe.hash;
  object["pythonVersion"] = recipe.python_version;
  object["pythonFallbacks"] = texts_to_json(recipe.python_fallbacks);
  object["interpreter"] = recipe.interpreter;
  object["lookup"] = map_to_json(recipe.lookup);
  object["requirements"] = texts_to_json(recipe.requirements);
  object["options"] = texts_to_json(recipe.options);
  object["condaSpecs"] = texts_to_json(recipe.conda_specs);
  object["condaWheels"] = texts_to_json(recipe.conda_wheels);
  object["condaChannels"] = texts_to_json(recipe.conda_channels);
  object["withSdk"] = recipe.with_sdk;
  object["policy"] = policy_text(recipe.policy);
  object["network"] = map_to_json(recipe.network);
  object["notes"] = texts_to_json(recipe.notes);
  object["wheelNotes"] = texts_to_json(recipe.wheel_notes);
  return object;
}

std::string recipe_hash(const EnvironmentRecipe& recipe) {
  json::object object = to_json(recipe);
  object.erase("hash");
  object.erase("network");
  object.erase("notes");
  object.erase("wheelNotes");
  return Hash::of(canonical_json(object)).hex();
}

Result<EnvironmentRecipe> environment_recipe_from_json(const json::value& value) {
  JsonReader reader(value, "recipe");
  EnvironmentRecipe recipe;
  recipe.kind = reader.required_string("kind");
  recipe.hash = reader.required_string("hash");
  recipe.python_version = reader.string_or("pythonVersion");
  recipe.python_fallbacks = reader.strings_or_empty("pythonFallbacks");
  recipe.interpreter = reader.string_or("interpreter");
  recipe.lookup = read_map(reader, "lookup");
  recipe.requirements = reader.strings_or_empty("requirements");
  recipe.options = reader.strings_or_empty("options");
  recipe.conda_specs = reader.strings_or_empty("condaSpecs");
  recipe.conda_wheels = reader.strings_or_empty("condaWheels");
  recipe.conda_channels = reader.strings_or_empty("condaChannels");
  recipe.with_sdk = reader.bool_or("withSdk", false);
  recipe.policy = read_policy(reader);
  recipe.network = read_map(reader, "network");
  recipe.notes = reader.strings_or_empty("notes");
  recipe.wheel_notes = reader.strings_or_empty("wheelNotes");
  CHECK_OK(reader.finish());
  // The hash becomes the name of a folder: nothing but a hash that belongs to this very recipe is accepted.
  if (recipe.hash != recipe_hash(recipe)) {
    return fail(errors::invalid_request, "recipe.hash does not belong to the rest of the recipe");
  }
  return recipe;
}

std::vector<std::string> interpreter_candidates(const EnvironmentRecipe& recipe) {
  if (recipe.interpreter.starts_with('/')) return {recipe.interpreter};
  const auto variable = [&recipe](const char* name) {
    const auto found = recipe.lookup.find(name);
    return found == recipe.lookup.end() ? std::string_view() : std::string_view(found->second);
  };
  std::vector<std::string> names{recipe.interpreter};
  if (recipe.interpreter.empty() || recipe.interpreter == "python") names = {"python", "python3"};
  std::vector<std::string> candidates;
  for (const std::string& name : names) {
    // An activated environment is first in PATH anyway; VIRTUAL_ENV alone is set by notebooks and editors.
    const std::string_view active = variable("VIRTUAL_ENV");
    if (active.starts_with('/')) candidates.push_back(std::string(active) + "/bin/" + name);
    std::string_view path = variable("PATH");
    while (!path.empty()) {
      const size_t colon = path.find(':');
      const std::string_view folder = path.substr(0, colon);
      path = colon == std::string_view::npos ? std::string_view() : path.substr(colon + 1);
      if (folder.starts_with('/')) candidates.push_back(std::string(folder) + "/" + name);
    }
  }
  return candidates;
}

json::object to_json(const ReadyEnvironment& ready) {
  json::object object;
  object["hash"] = ready.hash;
  object["interpreter"] = ready.interpreter;
  object["pythonVersion"] = ready.python_version;
  object["hasAzureml"] = ready.has_azureml;
  object["variables"] = map_to_json(ready.variables);
  if (!ready.relaxed.empty()) object["relaxed"] = texts_to_json(ready.relaxed);
  return object;
}

Result<ReadyEnvironment> ready_environment_from_json(const json::value& value) {
  JsonReader reader(value, "ready");
  ReadyEnvironment ready;
  ready.hash = reader.string_or("hash");
  ready.interpreter = reader.required_string("interpreter");
  ready.python_version = reader.string_or("pythonVersion");
  ready.has_azureml = reader.bool_or("hasAzureml", false);
  ready.variables = read_map(reader, "variables");
  ready.relaxed = reader.strings_or_empty("relaxed");
  CHECK_OK(reader.finish());
  return ready;
}

}  // namespace werkbank
