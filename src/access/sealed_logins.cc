#include "access/sealed_logins.hh"

#include <fmt/format.h>

#include <optional>

#include "base/logins.hh"
#include "base/text.hh"

namespace werkbank::access {
namespace {

// What a login is sealed for; it stands before it.
std::string place_of(std::string_view workspace, const AddressLogin& login) {
  return fmt::format("{}\n{}://{}\n", workspace, lower(login.scheme), login.host);
}

}  // namespace

std::string seal_logins(const Vault& vault, std::string_view workspace, std::string_view text) {
  return replace_logins(text, [&](const AddressLogin& login) {
    if (!login.is_secret || Vault::is_sealed(login.text)) return std::string(login.text);
    return vault.seal_alike(Secret(place_of(workspace, login) + std::string(login.text)));
  });
}

Result<std::string> unseal_logins(const Vault& vault, std::string_view workspace, std::string_view text) {
  std::optional<Error> failure;
  std::string opened = replace_logins(text, [&](const AddressLogin& login) {
    if (!Vault::is_sealed(login.text)) return std::string(login.text);
    const Result<Secret> value = vault.unseal(login.text);
    const std::string place = place_of(workspace, login);
    if (value && value->reveal().starts_with(place)) return value->reveal().substr(place.size());
    failure = Error{&errors::invalid_request,
                    fmt::format("the sealed login in the address {}://{} was not sealed here for this scheme, host and workspace",
                                login.scheme, login.host),
                    "Write the login itself into the address; it is sealed when it comes in.",
                    {}};
    return std::string();
  });
  if (failure) return fail(std::move(*failure));
  return opened;
}

bool has_sealed_login(std::string_view text) {
  bool found = false;
  static_cast<void>(replace_logins(text, [&found](const AddressLogin& login) {
    found = found || Vault::is_sealed(login.text);
    return std::string(login.text);
  }));
  return found;
}

}  // namespace werkbank::access
