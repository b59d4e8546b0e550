// What an environment is asked to be, and the recipe that makes it so.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hh"
#include "base/result.hh"

namespace werkbank {

// kNearest: where the pins as written cannot be met, they become lower bounds, one after the other, each told.
enum class PinPolicy { kExact, kNearest };
Result<PinPolicy> pin_policy_from(std::string_view text);  // "exact" or "nearest", whatever the case

// As the user wrote it: the v1 Environment, without its registration.
struct EnvironmentDefinition {
  std::string name = "default-environment";
  std::string version;
  bool user_managed = true;    // use `interpreter` as it is; otherwise build from the requirements
  std::string interpreter;     // a path, or a name for the submitter's PATH; empty: the submitter's python
  std::string python_version;  // system-managed: "3.6", "3.8.13", ">=3.6,<3.9"; empty: not pinned by the user, gives way
  std::vector<std::string> pip_requirements;  // PEP 508 lines and option lines (--index-url …)
  std::vector<std::string> conda_packages;    // conda specs without python ("scikit-learn==0.22.1", "numpy>=1.19")
  std::vector<std::string> conda_channels;
  PinPolicy policy = PinPolicy::kExact;
  std::map<std::string, std::string> variables;  // EnvironmentVariables
  json::object docker;                           // kept for the docker target; not read by others
  json::object spark;
  json::object other;  // sections of v1 that no target reads (r, databricks …), as they came: a registered one comes back whole
};

json::object to_json(const EnvironmentDefinition& definition);
Result<EnvironmentDefinition> environment_from_json(const json::value& value, const std::string& path = "environment");

// What has to be done on the target's machine so that the definition is ready there. Made by an EnvironmentKind (pure), carried
// out by `werkbank-runner build` beside the cache it fills. Equal hashes mean equal environments.
struct EnvironmentRecipe {
  std::string kind;                           // the EnvironmentKind that made it: "system", "uv" …
  std::string hash;                           // recipe_hash(): of the canonical JSON of everything below but notes and network
  std::string python_version;                 // what the user wrote: "3.6" or "3.6.2"; empty: python_fallbacks decide
  std::vector<std::string> python_fallbacks;  // tried in order where the user wrote none
  std::string interpreter;                    // kind "system": an absolute path, or a name to look for (interpreter_candidates)
  std::map<std::string, std::string> lookup;  // kind "system" with a name: the submitter's PATH, VIRTUAL_ENV, PYENV_VERSION …
  std::vector<std::string> requirements;      // PEP 508; without those of conda_wheels
  std::vector<std::string> options;           // index and find-links lines
  std::vector<std::string> conda_specs;       // for a conda solver, in conda's words
  std::vector<std::string> conda_wheels;      // the same as PEP 508, where no channel answers
  std::vector<std::string> conda_channels;    // names, addresses, file:// folders; the first wins
  bool with_sdk = false;                      // our SDK is put into it, not only beside it: the default runtime
  PinPolicy policy = PinPolicy::kExact;
  std::map<std::string, std::string> network;  // proxies and CA files of the submitter, where the target's machine names none
  std::vector<std::string> notes;              // for the build log: what was mapped, dropped, relaxed
  std::vector<std::string> wheel_notes;        // the same, where conda_wheels are taken
};
json::object to_json(const EnvironmentRecipe& recipe);
std::string recipe_hash(const EnvironmentRecipe& recipe);
// Kind "system": the absolute paths that may be the interpreter, in the order of preference. The first one that exists is it. A
// path in a pyenv `shims` folder stands for whatever pyenv has selected at the moment: an answer about it must not be cached.
std::vector<std::string> interpreter_candidates(const EnvironmentRecipe& recipe);
Result<EnvironmentRecipe> environment_recipe_from_json(const json::value& value);

// A built environment on a target.
struct ReadyEnvironment {
  std::string hash;
  std::string interpreter;                       // absolute path of python on the target
  std::string python_version;                    // "3.6.15"
  bool has_azureml = false;                      // otherwise the runner adds ours behind the environment's own packages
  std::map<std::string, std::string> variables;  // VIRTUAL_ENV, PATH additions …
  std::vector<std::string> relaxed;              // policy "nearest": "a==1.0 -> a==1.2" for each pin that gave way
};
json::object to_json(const ReadyEnvironment& ready);
Result<ReadyEnvironment> ready_environment_from_json(const json::value& value);

}  // namespace werkbank
