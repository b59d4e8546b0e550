// The vault: secrets are sealed at the door with a key that only this installation has, and opened for the one use they are for.
// XSalsa20-Poly1305 (libsodium secretbox), a fresh nonce per value, or one made of the value by a keyed hash. The key file has
// mode 0600 and is made once.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "base/secret.hh"

namespace werkbank::access {

class Vault {
 public:
  // Makes the key file where there is none; home_refused where it cannot be made, or is readable by others.
  static Result<Vault> open(const std::filesystem::path& key_file);

  std::string seal(const Secret& value) const;           // text, safe to store
  std::string seal_alike(const Secret& value) const;     // the same, and equal values give equal texts
  Result<Secret> unseal(std::string_view sealed) const;  // store_corrupt where it was not sealed by this vault
  static bool is_sealed(std::string_view text);          // by its form; whether it opens is another question
  // A key of its own for one purpose ("run-tokens"), the same at every call: 32 bytes.
  Secret derive_key(std::string_view purpose) const;

 private:
  explicit Vault(Secret key) : key_(std::move(key)) {}
  std::string seal_with(const unsigned char* nonce, const Secret& value) const;
  Secret key_;
};

}  // namespace werkbank::access
