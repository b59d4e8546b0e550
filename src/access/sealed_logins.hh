// Logins in addresses ("https://user:password@host/simple"), sealed where they stand: "https://wbs1.…@host/simple". Such a text
// may be stored and shown; it opens on this installation only, in the workspace, behind the scheme and in front of the host that
// it was sealed for: what was written for https is never sent over http.
#pragma once

#include <string>
#include <string_view>

#include "access/vault.hh"

namespace werkbank::access {

// What is sealed already stays as it is. Equal logins for one scheme, host and workspace give equal texts.
std::string seal_logins(const Vault& vault, std::string_view workspace, std::string_view text);
// invalid_request where a sealed login was made elsewhere or for another workspace, or stands before another host or
// behind another scheme.
Result<std::string> unseal_logins(const Vault& vault, std::string_view workspace, std::string_view text);
// By its form; whether it opens is another question.
bool has_sealed_login(std::string_view text);

}  // namespace werkbank::access
