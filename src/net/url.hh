// The target of a request line, taken apart and decoded. No I/O; every byte that a stranger sends passes here (url_fuzz.cc).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hh"

namespace werkbank::net {

struct Target {
  std::string path;                   // without the query, not decoded
  std::vector<std::string> segments;  // decoded; "/" has none, and a / at the end adds none
  std::vector<std::pair<std::string, std::string>> query;
};

// Takes the origin form ("/a/b?c=d"), the absolute form ("http://host/a") and "*". invalid_request for anything else, for a %
// that is not followed by two hex digits, for NUL, and for bytes that are not UTF-8 once decoded.
Result<Target> parse_target(std::string_view text);

}  // namespace werkbank::net
