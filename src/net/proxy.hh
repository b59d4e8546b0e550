// Which proxy leads to a server, by the variables that every program of a machine understands. Internal to net/.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "net/client_transport.hh"
#include "net/socket.hh"

namespace werkbank::net {

struct Proxy {
  HostPort address;
  std::string authorization;  // "Basic …"; empty: none
};

// HTTPS_PROXY or HTTP_PROXY by the server's scheme, else ALL_PROXY, each in lower case before upper case; nothing for what
// NO_PROXY names, for this machine itself, and for Unix sockets. invalid_request where the variable names no HTTP proxy.
Result<std::optional<Proxy>> proxy_for(const ServerUrl& url, const std::map<std::string, std::string>& environment);

// What is sent to the proxy so that it leads to the server, which then is spoken to as if it were here.
std::string connect_request(const ServerUrl& url, const Proxy& proxy);

}  // namespace werkbank::net
