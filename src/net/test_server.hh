// A server with the few behaviours that the tests of net/ need, and a connection for bytes that no client of ours would send.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/blocking_pool.hh"
#include "base/hash.hh"
#include "base/json.hh"
#include "net/http_client.hh"
#include "net/http_server.hh"
#include "net/socket.hh"

namespace werkbank::net::test {

using namespace std::chrono_literals;

// A server with the few behaviours that the tests need.
class TestServer {
 public:
  explicit TestServer(ServerConfig config = {})
      : server_(config, [this](Request& request) { return handle(request); }),
        folder_(std::filesystem::temp_directory_path() / ("wb-net-" + random_hex(6))) {
    port_ = server_.listen_tcp("127.0.0.1:0").value();
    REQUIRE(make_directories(folder_));
    REQUIRE(server_.listen_unix(folder_ / "server.sock"));
    REQUIRE(server_.start());
  }
  ~TestServer() {
    server_.stop();
    CHECK(remove_tree(folder_));
  }

  HttpClient client(std::chrono::milliseconds read_timeout = 30s) const {
    return HttpClient(ClientConfig{.server_url = "http://127.0.0.1:" + std::to_string(port_), .read_timeout = read_timeout});
  }
  HttpClient unix_client() const { return HttpClient(ClientConfig{.server_url = "unix://" + socket_path().string()}); }
  std::filesystem::path socket_path() const { return folder_ / "server.sock"; }
  const std::filesystem::path& folder() const { return folder_; }
  uint16_t port() const { return port_; }
  HttpServer& server() { return server_; }
  std::atomic<int> streams_ended{0};
  std::atomic<size_t> bytes_streamed{0};

 private:
  Task<Response> handle(Request& request) {
    Response response;
    if (request.path == "/echo") {
      Result<std::string> body = co_await request.body->all(1 << 20);
      if (!body) co_return problem(body.error());
      response.body = std::move(*body);
    } else if (request.path == "/count" || request.path == "/pieces") {
      co_return co_await count(request);
    } else if (request.path == "/elsewhere") {
      const auto call = [] { return std::string("from the pool"); };
      response.body = co_await pool_.run(call);
    } else if (request.path == "/stream") {
      response.headers = {{"Content-Type", "text/event-stream"}};
      response.stream = [this](BodyWriter& writer) { return stream_events(writer); };
    } else if (request.path == "/flood") {
      response.stream = [this](BodyWriter& writer) { return flood(writer); };
    } else if (request.path == "/short") {
      response.headers = {{"Content-Length", "10"}};
      response.stream = [](BodyWriter& writer) { return write_once(writer, "short"); };
    } else if (request.path == "/fixed") {
      response.headers = {{"Content-Length", "5"}};
      response.stream = [](BodyWriter& writer) { return write_once(writer, "fixed"); };
    } else if (request.path == "/about") {
      response.body = about(request);
    } else {
      response.status = 404;
    }
    co_return response;
  }

  Task<Response> count(Request& request) {
    size_t total = 0;
    size_t pieces = 0;
    for (;;) {
      Result<std::string> piece = co_await request.body->next();
      if (!piece) co_return problem(piece.error());
      if (piece->empty()) break;
      total += piece->size();
      ++pieces;
    }
    Response response;
    response.body = std::to_string(request.path == "/pieces" ? pieces : total);
    co_return response;
  }

  // One event at once, then one at each tick until it is time to end.
  Task<Status> stream_events(BodyWriter& writer) {
    Status status;
    for (int i = 1; status && !writer.is_closed(); ++i) {
      std::string event = "id: " + std::to_string(i) + "\ndata: tick\n\n";
      status = co_await writer.write(std::move(event));
      co_await server_.sleep(10ms);
    }
    ++streams_ended;
    co_return status;
  }

  Task<Status> flood(BodyWriter& writer) {
    for (int i = 0; i < 1000; ++i) {
      std::string piece(64 * 1024, 'f');
      Status status = co_await writer.write(std::move(piece));
      if (!status) co_return status;
      bytes_streamed += 64 * 1024;
    }
    co_return Status();
  }

  static Task<Status> write_once(BodyWriter& writer, std::string bytes) { co_return co_await writer.write(std::move(bytes)); }

  static Response problem(const Error& error) {
    Response response;
    response.status = error.code == &errors::too_large ? 413 : 400;
    response.headers = {{"Content-Type", "application/problem+json"}};
    response.body = canonical_json(json::object{{"code", error.code->id}, {"detail", error.message}});
    return response;
  }

  static std::string about(const Request& request) {
    json::object headers;
    for (const auto& [name, value] : request.headers) headers[name] = value;
    return canonical_json(json::object{{"method", to_string(request.method)},
                                       {"unix", request.peer.unix_socket},
                                       {"uid", request.peer.uid},
                                       {"query", request.query_value("q").value_or("")},
                                       {"headers", std::move(headers)}});
  }

  BlockingPool pool_{1};
  HttpServer server_;
  std::filesystem::path folder_;
  uint16_t port_ = 0;
};

// A connection without a client, for bytes that no client of ours would send.
class RawConnection {
 public:
  explicit RawConnection(const TestServer& server)
      : socket_(connect_to_tcp({"127.0.0.1", std::to_string(server.port())}, 5s).value()) {}

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) {
        wait(POLLOUT);
        continue;
      }
      if (count < 0) return;  // closed by the server: what it said is still to be read
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }
  // Up to the given text, or to the end.
  std::string read_until(std::string_view text) {
    char piece[4096];
    while (text.empty() || received_.find(text) == std::string::npos) {
      const ssize_t count = ::recv(socket_.get(), piece, sizeof piece, 0);
      if (count < 0 && errno == EAGAIN) {
        if (!wait(POLLIN)) break;
        continue;
      }
      if (count <= 0) break;
      received_.append(piece, static_cast<size_t>(count));
    }
    return received_;
  }
  std::string read_all() { return read_until(""); }

 private:
  bool wait(short events) {
    pollfd entry{socket_.get(), events, 0};
    const int ready = ::poll(&entry, 1, 30'000);
    CHECK(ready == 1);
    return ready == 1;
  }
  Fd socket_;
  std::string received_;
};

inline std::string answer_to(const TestServer& server, std::string_view bytes) {
  RawConnection connection(server);
  connection.send(bytes);
  connection.end();
  return connection.read_all();
}

inline ClientRequest get(std::string target) { return ClientRequest{.method = Method::kGet, .target = std::move(target)}; }
inline ClientRequest post(std::string target, std::string body) {
  return ClientRequest{.method = Method::kPost, .target = std::move(target), .body = std::move(body)};
}

}  // namespace werkbank::net::test
