#include "net/proxy.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hh"
#include "base/logins.hh"
#include "base/text.hh"

namespace werkbank::net {
namespace {

std::string variable(const std::map<std::string, std::string>& environment, std::string_view name) {
  for (const std::string& spelling : {std::string(name), [&] {
                                        std::string upper(name);
                                        for (char& c : upper) c = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
                                        return upper;
                                      }()}) {
    const auto found = environment.find(spelling);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return {};
}

bool is_this_machine(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

// "example.org", ".example.org", "*.example.org", with a port or without, and "*".
bool is_exempt(const ServerUrl& url, std::string_view list) {
  const std::string host = lower(url.host);
  while (!list.empty()) {
    const size_t end = list.find_first_of(", ");
    std::string entry = lower(list.substr(0, end));
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    if (entry == "*") return true;
    if (entry.starts_with("*")) entry.erase(0, 1);
    if (entry.ends_with(":" + url.port)) entry.resize(entry.size() - url.port.size() - 1);
    if (entry.starts_with(".")) entry.erase(0, 1);
    if (entry.empty()) continue;
    if (host == entry || host.ends_with("." + entry)) return true;
  }
  return false;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    result += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return result;
}

std::string base64(std::string_view bytes) {
  std::string text = base64url_encode(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return text;
}

}  // namespace

Result<std::optional<Proxy>> proxy_for(const ServerUrl& url, const std::map<std::string, std::string>& environment) {
  if (url.scheme == ServerUrl::Scheme::kUnix || is_this_machine(url.host)) return std::nullopt;
  std::string address = variable(environment, url.scheme == ServerUrl::Scheme::kHttps ? "https_proxy" : "http_proxy");
  if (address.empty()) address = variable(environment, "all_proxy");
  if (address.empty() || is_exempt(url, variable(environment, "no_proxy"))) return std::nullopt;
  std::string_view rest = address;
  if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    if (lower(rest.substr(0, scheme)) != "http") {
      return fail(errors::invalid_request, fmt::format("the proxy {} is no HTTP proxy", without_logins(address)),
                  "Set HTTPS_PROXY to http://HOST:PORT, or name the server in NO_PROXY.");
    }
    rest.remove_prefix(scheme + 3);
  }
  rest = rest.substr(0, rest.find('/'));
  Proxy proxy;
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    proxy.authorization = "Basic " + base64(percent_decoded(rest.substr(0, at)));
    rest.remove_prefix(at + 1);
  }
  TRY(proxy.address, parse_host_port(rest, "80"));
  return proxy;
}

std::string connect_request(const ServerUrl& url, const Proxy& proxy) {
  const std::string name = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  std::string request = fmt::format("CONNECT {0}:{1} HTTP/1.1\r\nHost: {0}:{1}\r\n", name, url.port);
  if (!proxy.authorization.empty()) request += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  return request + "\r\n";
}

}  // namespace werkbank::net
