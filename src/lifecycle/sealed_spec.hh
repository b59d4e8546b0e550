// What is stored of a submission holds no login: in addresses (package indexes, proxies, data bases) and the password of an
// image's registry are sealed when they come in, and opened for the one step that needs them.
#pragma once

#include "access/vault.hh"
#include "domain/run.hh"

namespace werkbank::lifecycle {

void seal_secrets(const access::Vault& vault, EnvironmentDefinition& definition);
void seal_secrets(const access::Vault& vault, RunSpec& spec);
// The inverse. invalid_request where something was sealed by another installation.
Status open_secrets(const access::Vault& vault, RunSpec& spec);
Status open_secrets(const access::Vault& vault, EnvironmentDefinition& definition);

}  // namespace werkbank::lifecycle
