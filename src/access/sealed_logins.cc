#include "access/sealed_logins.hh"

#include <fmt/format.h>

#include <optional>

#include "base/logins.hh"

namespace werkbank::access {

std::string seal_logins(const Vault& vault, std::string_view workspace, std::string_view text) {
  return replace_logins(text, [&](const AddressLogin& login) {
    if (!login.is_secret || Vault::is_sealed(login.text)) return std::string(login.text);
    return vault.seal_alike(Secret(fmt::format("{}\n{}\n{}", workspace, login.host, login.text)));
  });
}

Result<std::string> unseal_logins(const Vault& vault, std::string_view workspace, std::string_view text) {
  std::optional<Error> failure;
  std::string opened = replace_logins(text, [&](const AddressLogin& login) {
    if (!Vault::is_sealed(login.text)) return std::string(login.text);
    const Result<Secret> value = vault.unseal(login.text);
    const std::string place = fmt::format("{}\n{}\n", workspace, login.host);
    if (value && value->reveal().starts_with(place)) return value->reveal().substr(place.size());
    failure =
        Error{&errors::invalid_request,
              fmt::format("the sealed login in the address of {:?} was not sealed here for this host and workspace", login.host),
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
