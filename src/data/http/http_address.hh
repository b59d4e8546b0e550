// A web address taken apart, and where a redirect leads. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace werkbank::data {

struct HttpAddress {
  std::string origin;  // "https://host:8443"
  std::string target;  // path and query, as they go into a request
};

// http and https only. What a request line cannot hold (blanks, letters beyond ASCII) is encoded; a fragment is dropped.
std::optional<HttpAddress> parse_http_address(std::string_view text);
// What a Location header means at an address; nothing where it is not to be followed: another scheme, https to http.
std::optional<HttpAddress> follow_redirect(const HttpAddress& from, std::string_view location);
// For messages: without the query.
std::string shown_address(const HttpAddress& address);

}  // namespace werkbank::data
