#include "access/sealed_logins.hh"

#include <fmt/format.h>

#include <optional>

#include "base/logins.hh"

namespace werkbank::access {

std::string seal_logins(const Vault& vault, std::string_view text) {
  return replace_logins(text, [&vault](const AddressLogin& login) {
    if (!login.is_secret || Vault::is_sealed(login.text)) return std::string(login.text);
    return vault.seal_alike(Secret(fmt::format("{}\n{}", login.host, login.text)));
  });
}

Result<std::string> unseal_logins(const Vault& vault, std::string_view text) {
  std::optional<Error> failure;
  std::string opened = replace_logins(text, [&](const AddressLogin& login) {
    if (!Vault::is_sealed(login.text)) return std::string(login.text);
    const Result<Secret> value = vault.unseal(login.text);
    const std::string place = fmt::format("{}\n", login.host);
    if (value && value->reveal().starts_with(place)) return value->reveal().substr(place.size());
    failure = Error{&errors::invalid_request,
                    fmt::format("the sealed login in the address of {:?} was not sealed here for this host", login.host),
                    "Write the login itself into the address; it is sealed when it comes in.",
                    {}};
    return std::string();
  });
  if (failure) return fail(std::move(*failure));
  return opened;
}

}  // namespace werkbank::access
