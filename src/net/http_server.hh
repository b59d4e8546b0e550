// The HTTP server: Unix sockets and TCP, keep-alive, chunked and fixed bodies, back-pressure, graceful stop. One io_context per
// thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "net/http.hh"

namespace werkbank::net {

struct ServerConfig {
  size_t threads = 2;
  size_t header_bytes_max = 64 * 1024;
  uint64_t body_bytes_max = UINT64_MAX;      // per request; handlers set tighter ones through BodyReader::all
  std::chrono::seconds idle_timeout{120};    // between requests on a kept connection
  std::chrono::seconds request_timeout{60};  // for the head, and between two pieces of a body
  size_t connections_max = 10'000;           // above: accepted and answered 503
};

// PEM files of a server that speaks TLS: the certificate, with those that lead to its authority after it, and its key.
struct TlsFiles {
  std::filesystem::path certificate, key;
};

class HttpServer {
 public:
  HttpServer(ServerConfig config, Handler handler);
  ~HttpServer();  // stop()

  // Binds with mode 0600. A path over 107 bytes works (bound relative to its folder). A dead socket file is replaced.
  Status listen_unix(const std::filesystem::path& path);
  // From now on TCP connections speak TLS (1.2 and later) with this certificate. Again, at any time: new connections take the new
  // one. usage where the files do not read or do not fit each other; then all stays as it was.
  Status use_tls(const TlsFiles& files);
  // "127.0.0.1:8765", "[::1]:0", "0.0.0.0:80". Answers the port that was bound.
  Result<uint16_t> listen_tcp(const std::string& host_port);
  Status start();
  // Accepts no more, tells streams to end, lets requests finish for `grace`, then closes their connections and waits for their
  // handlers. Idempotent. Not from a handler: it would wait for itself.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(5));
  size_t open_connections() const;

  // A timer on the server's threads, for handlers and their streams: co_await server.sleep(…). Returns early when the server
  // stops.
  Task<void> sleep(std::chrono::milliseconds duration);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace werkbank::net
