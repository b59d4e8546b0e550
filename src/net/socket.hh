// Sockets below HTTP: addresses, listening, connecting. Unix socket paths may be longer than the 107 bytes of sockaddr_un.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/files.hh"
#include "base/result.hh"

namespace werkbank::net {

struct HostPort {
  std::string host;  // without the brackets of IPv6
  std::string port;
};
// "127.0.0.1:8765", "[::1]:0", "localhost:80". invalid_request otherwise; a missing port takes the default where there is one.
Result<HostPort> parse_host_port(std::string_view text, std::string_view default_port = {});

// Bound with mode 0600, not blocking. A socket file nobody listens on is replaced; store_busy where somebody does,
// io_failed where something else lies there.
Result<Fd> listen_on_unix(const std::filesystem::path& path);
Result<Fd> listen_on_tcp(const HostPort& address);
Result<uint16_t> port_of(const Fd& listener);

// server_unreachable where nobody answers in time. The socket does not block.
Result<Fd> connect_to_unix(const std::filesystem::path& path);
Result<Fd> connect_to_tcp(const HostPort& address, std::chrono::milliseconds timeout);

}  // namespace werkbank::net
