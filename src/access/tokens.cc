#include "access/tokens.hh"

#include <sodium.h>

#include "base/hash.hh"

namespace werkbank::access {

Secret new_token() {
  WB_INVARIANT(sodium_init() >= 0);
  std::string bytes(32, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(kTokenPrefix);
  text += base64url_encode(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return Secret(std::move(text));
}

// A plain hash is enough: the text is 256 random bits, which nobody can guess from it.
std::string hash_token(std::string_view token) { return Hash::of(token).hex(); }

}  // namespace werkbank::access
