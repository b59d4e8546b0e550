// Azure's "Shared Key" signature of a request. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/secret.hh"

namespace werkbank::data {

struct SignedRequest {
  std::string verb;                                          // "GET"
  std::string path;                                          // encoded, as it is sent
  std::vector<std::pair<std::string, std::string>> query;    // not encoded
  std::vector<std::pair<std::string, std::string>> headers;  // all that begin with x-ms-, and If-Match, If-None-Match
  uint64_t content_length = 0;
};

std::string string_to_sign(const SignedRequest& request, const std::string& account);
// The value of Authorization. `key`: decoded.
std::string shared_key_authorization(const SignedRequest& request, const std::string& account, const Secret& key);

}  // namespace werkbank::data
