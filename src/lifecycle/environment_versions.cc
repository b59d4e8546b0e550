#include "lifecycle/environment_versions.hh"

#include <fmt/format.h>

#include "base/hash.hh"
#include "base/json.hh"
#include "domain/names.hh"
#include "environment/curated.hh"

namespace werkbank::lifecycle {
namespace {

constexpr std::string_view kNewest = "latest";

std::string content_hash_of(const EnvironmentDefinition& definition) {
  EnvironmentDefinition content = definition;
  content.name.clear();
  content.version.clear();
  return Hash::of(canonical_json(to_json(content))).hex();
}

}  // namespace

bool is_registered_by_submit(const EnvironmentDefinition& definition) {
  if (environment::is_reserved_name(definition.name)) return false;
  return !definition.user_managed || definition.name != EnvironmentDefinition().name;
}

Status check_environment_version(std::string_view version) {
  CHECK_OK(check_stored_name("the environment's version or label", version));
  if (version != kNewest) return {};
  return fail(errors::name_refused, "\"latest\" is what the newest version is called; nothing else can be called so",
              "Choose another text.");
}

Result<RegisteredEnvironment> register_environment(store::Transaction& transaction, store::EnvironmentVersion wanted) {
  const EnvironmentDefinition& definition = wanted.definition;
  wanted.content_hash = content_hash_of(definition);
  TRY(auto known, transaction.environments().version(wanted.workspace, definition.name, definition.version));
  if (known && known->content_hash == wanted.content_hash) {
    if (known->submitted) CHECK_OK(transaction.edit_environments().mark_registered(*known));
    known->submitted = false;
    return RegisteredEnvironment{std::move(*known), false};
  }
  if (known && !definition.version.empty()) {
    return fail(errors::already_exists,
                fmt::format("environment {:?} has a version {:?} with another content", definition.name, definition.version),
                "Leave the version out (environment.version = None) to get the next number, or choose another one.");
  }
  TRY(store::EnvironmentVersion created, transaction.edit_environments().create(std::move(wanted)));
  return RegisteredEnvironment{std::move(created), true};
}

Result<std::string> register_submitted(store::Transaction& transaction, store::EnvironmentVersion wanted) {
  wanted.content_hash = content_hash_of(wanted.definition);
  wanted.submitted = true;
  EnvironmentDefinition& definition = wanted.definition;
  store::EnvironmentReader& environments = transaction.environments();
  if (!definition.version.empty()) {
    TRY(const auto named, environments.version(wanted.workspace, definition.name, definition.version));
    if (named && named->content_hash == wanted.content_hash) return named->definition.version;
    if (named) definition.version.clear();
  }
  if (definition.version.empty()) {
    TRY(const auto same, environments.of_content(wanted.workspace, definition.name, wanted.content_hash));
    if (same) return same->definition.version;
  }
  TRY(const store::EnvironmentVersion created, transaction.edit_environments().create(std::move(wanted)));
  return created.definition.version;
}

}  // namespace werkbank::lifecycle
