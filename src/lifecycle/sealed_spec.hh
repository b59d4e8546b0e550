// What is stored of a submission holds no login: in addresses (package indexes, proxies, data bases) and the password of an
// image's registry are sealed when they come in, and opened for the one step that needs them.
#pragma once

#include "access/vault.hh"
#include "domain/run.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

// What comes from a client: whoever may read a workspace sees sealed texts, so none is taken where a script would get to see it
// opened, in the command, the arguments and variables (invalid_request). A definition may have the sealed variables of an
// environment that is registered in the workspace. Indexes and channels are taken: they open before their own host only.
Status check_sealed(store::Reader& reader, const std::string& workspace, const RunSpec& spec);
Status check_sealed(store::Reader& reader, const std::string& workspace, const EnvironmentDefinition& definition);
void seal_secrets(const access::Vault& vault, const std::string& workspace, EnvironmentDefinition& definition);
void seal_secrets(const access::Vault& vault, const std::string& workspace, RunSpec& spec);
// The inverse. invalid_request where something was sealed by another installation, or for another workspace.
Status open_secrets(const access::Vault& vault, const std::string& workspace, RunSpec& spec);
Status open_secrets(const access::Vault& vault, const std::string& workspace, EnvironmentDefinition& definition);

}  // namespace werkbank::lifecycle
