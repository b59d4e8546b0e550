// Versions of registered environments: the same content is the same version, whether somebody registers it or a run brings it.
#pragma once

#include <string>

#include "store/environments.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

struct RegisteredEnvironment {
  store::EnvironmentVersion version;
  bool created = false;
};

// Environments that nobody has to register: those of the curated names, and the submitter's own interpreter under the default
// name.
bool is_registered_by_submit(const EnvironmentDefinition& definition);

// What a user registers. Logins are sealed already. With a version: that one, already_exists where it has another content.
// Without: the newest, where it has this content, otherwise a new one.
Result<RegisteredEnvironment> register_environment(store::Transaction& transaction, store::EnvironmentVersion wanted);

// What a run brings: a version that has this content, the newest of them, otherwise a new one. A version that it names and that
// has another content is left alone. Answers what the version is called.
Result<std::string> register_submitted(store::Transaction& transaction, store::EnvironmentVersion wanted);

// name_refused for what cannot be the name of a version or label.
Status check_environment_version(std::string_view version);

}  // namespace werkbank::lifecycle
