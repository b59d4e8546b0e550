// The client's connection: a Unix socket, TCP, or TLS over TCP, with a time limit on every wait. Internal to net/.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/files.hh"
#include "base/result.hh"

namespace werkbank::net {

struct ServerUrl {
  enum class Scheme { kUnix, kHttp, kHttps };
  Scheme scheme = Scheme::kHttp;
  std::string socket_path;  // kUnix
  std::string host;
  std::string port;
  std::string prefix;  // "/werkbank" for a server behind a proxy's path; else empty
  std::string host_header() const;
};
// "unix:///path", "http://host[:port][/prefix]", "https://…". invalid_request otherwise.
Result<ServerUrl> parse_server_url(std::string_view url);

struct Proxy;

class Transport {
 public:
  // server_unreachable where nobody answers, or not the one that the certificate must name.
  static Result<Transport> open(const ServerUrl& url, std::chrono::milliseconds timeout);
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) noexcept;
  ~Transport();

  // All of the bytes; false where the peer began to speak before it had them (it will not read on). Fails when the peer is gone.
  Result<bool> write(std::string_view bytes, std::chrono::milliseconds timeout);
  // What has come, at most as much as fits; 0 at the end.
  Result<size_t> read(char* bytes, size_t size_max, std::chrono::milliseconds timeout);
  // A kept connection is usable only while nothing has come on it: an unasked byte is the peer's end or its goodbye.
  bool is_quiet() const;

 private:
  struct Tls;
  explicit Transport(Fd socket);
  Status pass_proxy(const ServerUrl& url, const Proxy& proxy, std::chrono::milliseconds timeout);
  Status shake_hands(const ServerUrl& url, std::chrono::milliseconds timeout);
  Status wait(short events, std::chrono::milliseconds timeout, short* seen = nullptr) const;
  Result<size_t> receive(char* bytes, size_t size_max, std::chrono::milliseconds timeout);
  Result<bool> transmit(std::string_view bytes, std::chrono::milliseconds timeout, bool listen);
  Status flush_tls(std::chrono::milliseconds timeout);
  Status feed_tls(std::chrono::milliseconds timeout);

  Fd socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace werkbank::net
