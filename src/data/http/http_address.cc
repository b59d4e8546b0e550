#include "data/http/http_address.hh"

#include <fmt/format.h>

namespace werkbank::data {
namespace {

std::string encode_rest(std::string_view target) {
  std::string encoded;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f)
      encoded += fmt::format("%{:02X}", byte);
    else
      encoded += c;
  }
  return encoded;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

std::optional<HttpAddress> parse_http_address(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return std::nullopt;
  text = text.substr(0, text.find('#'));
  const size_t host = text.find("://") + 3;
  const size_t end = std::min(text.find_first_of("/?", host), text.size());
  if (end == host) return std::nullopt;
  HttpAddress address{std::string(text.substr(0, end)), encode_rest(text.substr(end))};
  if (!address.target.starts_with('/')) address.target.insert(0, "/");
  return address;
}

std::optional<HttpAddress> follow_redirect(const HttpAddress& from, std::string_view location) {
  std::optional<HttpAddress> next;
  location = location.substr(0, location.find('#'));
  const size_t colon = location.find(':');
  const bool is_absolute = colon != location.npos && location.find_first_of("/?") > colon;
  if (location.empty()) return std::nullopt;
  if (is_absolute) {
    next = parse_http_address(location);
  } else if (location.starts_with("//")) {
    next = parse_http_address(from.origin.substr(0, from.origin.find("//")) + std::string(location));
  } else {
    const std::string_view path = path_of(from.target);
    std::string target;
    if (location.starts_with('?'))
      target = path;
    else if (!location.starts_with('/'))
      target = path.substr(0, path.rfind('/') + 1);
    next = HttpAddress{from.origin, encode_rest(target + std::string(location))};
  }
  if (next && from.origin.starts_with("https:") && next->origin.starts_with("http:")) return std::nullopt;
  return next;
}

std::string shown_address(const HttpAddress& address) { return address.origin + std::string(path_of(address.target)); }

}  // namespace werkbank::data
