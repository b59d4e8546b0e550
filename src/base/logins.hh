// Logins written into addresses: the "user:password" of "https://user:password@host/path". They are found in any text, so that
// none gets into a log, a message or a record by way of an address.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace werkbank {

struct AddressLogin {
  std::string_view scheme;  // "https", as it is written
  std::string_view text;    // "user:password"
  std::string_view host;    // what stands behind the '@', up to the path
  bool is_secret;           // in an address of http or https always, elsewhere with a password: "git" in ssh://git@host is none
};

// The text with every login in it replaced by what `replace` answers.
std::string replace_logins(std::string_view text, const std::function<std::string(const AddressLogin&)>& replace);

// For logs and messages: "https://***@host/path".
std::string without_logins(std::string_view text);

}  // namespace werkbank
