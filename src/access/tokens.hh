// Login tokens for TCP: random text that is shown once and stored only as its hash.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hh"

namespace werkbank::access {

inline constexpr std::string_view kTokenPrefix = "wbt_";

Secret new_token();                              // "wbt_" and 43 base64url characters: 256 random bits
std::string hash_token(std::string_view token);  // hex, for TokenRecord::hash

}  // namespace werkbank::access
