// Amazon's Signature Version 4 of a request. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.hh"

namespace werkbank::data {

struct V4Request {
  std::string verb;
  std::string path;                                        // encoded, as it is sent
  std::vector<std::pair<std::string, std::string>> query;  // not encoded
  std::map<std::string, std::string> headers;              // lower-case names; all of them are signed
  std::string payload_hash;                                // hex SHA-256 of the body
};

struct V4Key {
  std::string id;
  Secret secret;
  std::string region;
};

std::string v4_query(std::vector<std::pair<std::string, std::string>> query);  // "a=1&b=", encoded, in the order that is signed
// The value of Authorization; headers have to hold host and x-amz-date ("20130524T000000Z").
std::string v4_authorization(const V4Request& request, const V4Key& key);

}  // namespace werkbank::data
