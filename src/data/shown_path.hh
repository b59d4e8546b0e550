// The path of a file in its store, for messages: of a web address without the query, which may be a signature, and without a
// login.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace werkbank::data {

inline std::string shown_path(std::string_view path) {
  const size_t scheme = path.find("://");
  if (!path.starts_with("http") || scheme == path.npos) return std::string(path);
  path = path.substr(0, path.find_first_of("?#"));
  const size_t host = scheme + 3;
  const std::string_view authority = path.substr(host, std::min(path.find('/', host), path.size()) - host);
  const size_t at = authority.rfind('@');
  std::string shown(path.substr(0, host));
  shown += path.substr(at == authority.npos ? host : host + at + 1);
  return shown;
}

}  // namespace werkbank::data
