// A client's way to the server: where it is, and requests that start it again when the local one is gone.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/json.hh"
#include "base/secret.hh"
#include "net/http_client.hh"

namespace werkbank::client {

using EnvironmentMap = std::map<std::string, std::string>;

struct ServerAddress {
  std::string url;  // "unix:///home/u/.werkbank/server.sock", "http://…", "https://…"
  Secret token;
  std::filesystem::path home;  // of this machine's user; only a local server uses it
  bool local = true;           // the socket of `home`: may be started on demand
};

// WERKBANK_HOME, or ~/.werkbank; absolute. home_refused where neither says anything.
Result<std::filesystem::path> find_home(const EnvironmentMap& environment);
// WERKBANK_URL (with WERKBANK_TOKEN, or what `az login` has kept for it), or the Unix socket of the home. invalid_request for an
// address that is not http, https or unix.
Result<ServerAddress> find_server(const EnvironmentMap& environment);
std::string socket_url(const std::filesystem::path& home);

// May a request be sent a second time when the connection broke before its answer?
enum class Repeat { kNever, kSafe };

// Not thread-safe, like the connection below it.
class Session {
 public:
  // `start` makes the local server run and returns when it answers (server_process.hh); never called for a remote one.
  Session(ServerAddress address, std::function<Status()> start);

  const ServerAddress& address() const { return address_; }
  net::HttpClient& http() { return http_; }
  // Runs the server if it is ours to run and does not answer. For callers that use http() themselves.
  Status ensure_running();

  // Any HTTP status is a success. Nobody listening on the local socket: the server is started and the request repeated once;
  // a connection that broke on the way: the same, for Repeat::kSafe.
  Result<net::ClientResponse> send(const net::ClientRequest& request, Repeat repeat);
  // The same with statuses of 400 and above as the Error that the server sent.
  Result<net::ClientResponse> call(const net::ClientRequest& request, Repeat repeat);
  Result<net::ClientResponse> stream(const net::ClientRequest& request, const std::function<bool(std::string_view)>& sink,
                                     std::chrono::milliseconds silence_max);

  Result<json::value> get(const std::string& target);
  // An empty answer is null. `idempotency_key` makes a POST repeatable.
  Result<json::value> send_json(net::Method method, const std::string& target, const json::value& body,
                                const std::string& idempotency_key = {});
  // Without a body.
  Result<json::value> send_empty(net::Method method, const std::string& target);

 private:
  ServerAddress address_;
  std::function<Status()> start_;
  net::HttpClient http_;
};

// Up to `limit` items of a list route, over as many pages as needed. `target` may hold a query.
struct ListAnswer {
  json::array items;
  bool more = false;  // the server has further ones
};
Result<ListAnswer> fetch_some(Session& session, const std::string& target, size_t limit);
Result<json::array> fetch_list(Session& session, const std::string& target, size_t limit);

}  // namespace werkbank::client
