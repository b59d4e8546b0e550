// A blocking HTTP/1.1 client for the CLI, the runner and adapters: Unix sockets ("unix:///path/server.sock") and http/https URLs.
// Small on purpose: start-up matters more than throughput. Not thread-safe; one connection, kept alive, opened again when needed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/secret.hh"
#include "net/http.hh"

namespace werkbank::net {

struct ClientRequest {
  Method method = Method::kGet;
  std::string target;  // "/api/v1/…", already percent-encoded (see encode_segment)
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Set: the body is read from here in pieces (empty piece: end) and sent with this length.
  std::function<Result<std::string>()> body_source;
  uint64_t body_length = 0;
};

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
};

struct ClientConfig {
  std::string server_url;
  Secret token;  // sent as Authorization: Bearer
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds read_timeout{60'000};  // between two pieces of an answer; streams set their own
};

class HttpClient {
 public:
  explicit HttpClient(ClientConfig config);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;

  // server_unreachable where nobody listens (nothing was sent); unavailable where the connection broke or the server was silent
  // after that. Any HTTP status is a success here. A request on a kept connection that turned out to be closed is repeated once
  // on a new one when nothing was answered yet and it does no harm twice (GET, HEAD, PUT, DELETE, or with an Idempotency-Key; no
  // body_source). A server that answers before it has all of the body is listened to.
  Result<ClientResponse> send(const ClientRequest& request);
  // Streams the answer's body into `sink` as it arrives (return false to stop). The status and headers are in the answer. The
  // body of an answer of 400 or above does not go to the sink but into the answer, cut at 64 KiB.
  Result<ClientResponse> stream(const ClientRequest& request, const std::function<bool(std::string_view)>& sink,
                                std::chrono::milliseconds silence_max);
  const std::string& server_url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string encode_segment(std::string_view text);  // one path segment or query value, RFC 3986
// The Error in an application/problem+json answer (docs/reference/http-api.md), with its stable code; unavailable for other
// bodies, unauthenticated where their status is 401.
Error error_from_response(const ClientResponse& response);

// Splits a text/event-stream into events as bytes arrive.
struct ServerSentEvent {
  std::string id, event, data;
};
class SseParser {
 public:
  void feed(std::string_view bytes, const std::function<void(const ServerSentEvent&)>& on_event);

 private:
  void take_line(const std::function<void(const ServerSentEvent&)>& on_event);
  std::string buffer_;       // the line that is not complete yet
  ServerSentEvent pending_;  // what its lines have said so far; the id is the last one seen
  bool has_data_ = false;
  bool after_return_ = false;
  bool is_begun_ = false;
};

}  // namespace werkbank::net
