// Server and client against each other and against hand-written bytes, over real sockets.
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

using namespace werkbank;
using namespace werkbank::net;
using namespace std::chrono_literals;

namespace {

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
    } else if (request.path == "/count") {
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
    for (;;) {
      Result<std::string> piece = co_await request.body->next();
      if (!piece) co_return problem(piece.error());
      if (piece->empty()) break;
      total += piece->size();
    }
    Response response;
    response.body = std::to_string(total);
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

std::string answer_to(const TestServer& server, std::string_view bytes) {
  RawConnection connection(server);
  connection.send(bytes);
  connection.end();
  return connection.read_all();
}

ClientRequest get(std::string target) { return ClientRequest{.method = Method::kGet, .target = std::move(target)}; }
ClientRequest post(std::string target, std::string body) {
  return ClientRequest{.method = Method::kPost, .target = std::move(target), .body = std::move(body)};
}

}  // namespace

TEST_CASE("a thousand requests use one connection") {
  TestServer server;
  HttpClient client = server.client();
  for (int i = 0; i < 1000; ++i) {
    const auto response = client.send(post("/echo", std::to_string(i))).value();
    REQUIRE(response.status == 200);
    REQUIRE(response.body == std::to_string(i));
  }
  CHECK(server.server().open_connections() == 1);
}

TEST_CASE("a handler may go on on another thread") {
  TestServer server;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      HttpClient client = server.unix_client();
      for (int i = 0; i < 100; ++i) {
        const auto response = client.send(get("/elsewhere"));
        if (response && response->body == "from the pool") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 400);
}

TEST_CASE("requests are plain values with their peer") {
  TestServer server;
  HttpClient client = server.unix_client();
  ClientRequest request = get("/about?q=" + encode_segment("a b&c"));
  request.headers = {{"X-Odd", "1"}, {"X-ODD", "2"}};
  const auto about = parse_json(client.send(request).value().body).value();
  CHECK(about.at("unix").as_bool());
  CHECK(about.at("uid").to_number<uint32_t>() == geteuid());
  CHECK(about.at("query").as_string() == "a b&c");
  CHECK(about.at("headers").at("x-odd").as_string() == "1, 2");
  const auto over_tcp = parse_json(server.client().send(get("/about")).value().body).value();
  CHECK_FALSE(over_tcp.at("unix").as_bool());
}

TEST_CASE("long bodies travel both ways in pieces") {
  TestServer server;
  HttpClient client = server.client();
  ClientRequest request = post("/count", "");
  size_t left = 40 << 20;
  request.body_length = left;
  request.body_source = [&left]() -> Result<std::string> {
    const size_t size = std::min<size_t>(left, 1 << 20);
    left -= size;
    return std::string(size, 'x');
  };
  CHECK(client.send(request).value().body == std::to_string(40 << 20));
  const std::string body(1 << 20, 'y');
  CHECK(client.send(post("/echo", body)).value().body == body);
  CHECK(client.send(get("/flood")).value().body.size() == 1000 * 64 * 1024);
}

TEST_CASE("a body that is too long is refused before it is sent, and the client hears why") {
  TestServer server;
  HttpClient client = server.client();
  ClientRequest request = post("/echo", "");
  request.body_length = 1 << 30;
  request.body_source = [] { return Result<std::string>(std::string(1 << 20, 'x')); };
  const auto response = client.send(request).value();
  CHECK(response.status == 413);
  CHECK(error_from_response(response).code == &errors::too_large);
  CHECK(client.send(post("/echo", "again")).value().body == "again");
}

TEST_CASE("chunked bodies are read, and their end must be there") {
  TestServer server;
  const std::string head = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  CHECK(answer_to(server, head + "5\r\nhello\r\n3;ext=1\r\nabc\r\n0\r\n\r\n").ends_with("\r\n\r\n8"));
  const std::string cut = answer_to(server, head + "5\r\nhello\r\n3\r\na");
  CHECK(cut.starts_with("HTTP/1.1 400"));
  CHECK(cut.find("truncated") != std::string::npos);
  CHECK(answer_to(server, head + "xyz\r\n").starts_with("HTTP/1.1 400"));
}

TEST_CASE("a body that ends before its length is refused") {
  TestServer server;
  const std::string answer = answer_to(server, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(answer.starts_with("HTTP/1.1 400"));
  CHECK(answer.find("3 of 10 bytes") != std::string::npos);
}

TEST_CASE("100-continue is answered when the body is wanted, and not when it is refused") {
  TestServer server;
  RawConnection wanted(server);
  wanted.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(wanted.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send("abc");
  CHECK(wanted.read_until("abc").find("HTTP/1.1 200 OK") != std::string::npos);

  RawConnection refused(server);
  refused.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(refused.read_until("\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_CASE("requests that are not well formed get a problem document") {
  TestServer server;
  for (const char* bytes :
       {"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET nopath HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", "GET / HTTP/1.1\r\nBad Header\r\n\r\n",
        "GET / HTTP/1.1\r\nX: \xff\xfe\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    CAPTURE(bytes);
    const std::string answer = answer_to(server, bytes);
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(answer.find("application/problem+json") != std::string::npos);
    CHECK(answer.find("\"code\":\"invalid_request\"") != std::string::npos);
  }
  CHECK(answer_to(server, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 501"));
  CHECK(answer_to(server, "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  CHECK(answer_to(server, "GET /ab").empty());
  CHECK(answer_to(server, "").empty());
  CHECK(server.client().send(get("/about")).value().status == 200);
}

TEST_CASE("pipelined requests are answered in order; HEAD has a length and no body") {
  TestServer server;
  const std::string answers =
      answer_to(server,
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\noneHEAD /fixed HTTP/1.1\r\nHost: x\r\n\r\n"
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo");
  const size_t one = answers.find("one");
  const size_t length = answers.find("Content-Length: 5");
  const size_t two = answers.find("two");
  REQUIRE(one != std::string::npos);
  REQUIRE(length != std::string::npos);
  REQUIRE(two != std::string::npos);
  CHECK(one < length);
  CHECK(length < two);
  CHECK(answers.find("fixed") == std::string::npos);
  HttpClient client = server.client();
  const auto head = client.send(ClientRequest{.method = Method::kHead, .target = "/fixed"}).value();
  CHECK(head.body.empty());
  CHECK(head.headers.at("content-length") == "5");
  CHECK(client.send(get("/fixed")).value().body == "fixed");
}

TEST_CASE("an old client gets a body that ends with the connection") {
  TestServer server;
  const std::string answer = answer_to(server, "GET /flood HTTP/1.0\r\n\r\n");
  CHECK(answer.find("Transfer-Encoding") == std::string::npos);
  CHECK(answer.size() > 1000 * 64 * 1024);
}

TEST_CASE("a body that nobody reads does not disturb the next request") {
  TestServer server;
  HttpClient client = server.client();
  CHECK(client.send(post("/nowhere", std::string(100'000, 'x'))).value().status == 404);
  CHECK(client.send(post("/echo", "next")).value().body == "next");
  CHECK(client.send(post("/nowhere", std::string(5'000'000, 'x'))).value().status == 404);
  CHECK(client.send(post("/echo", "next")).value().body == "next");
}

TEST_CASE("an answer that is shorter than announced is seen as broken") {
  TestServer server;
  const auto response = server.client().send(get("/short"));
  REQUIRE_FALSE(response);
  CHECK(response.error().code == &errors::unavailable);
}

TEST_CASE("events are streamed until the client has enough") {
  TestServer server;
  HttpClient client = server.client();
  SseParser parser;
  int seen = 0;
  const auto sink = [&](std::string_view bytes) {
    parser.feed(bytes, [&](const ServerSentEvent& event) {
      CHECK(event.data == "tick");
      ++seen;
    });
    return seen < 3;
  };
  const auto response = client.stream(get("/stream"), sink, 30s).value();
  CHECK(response.status == 200);
  CHECK(response.headers.at("content-type") == "text/event-stream");
  CHECK(seen >= 3);
  CHECK(client.send(get("/about")).value().status == 200);
  server.server().stop();
  CHECK(server.streams_ended == 1);
}

TEST_CASE("a slow reader slows the writer") {
  TestServer server;
  RawConnection connection(server);
  connection.send("GET /flood HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  connection.read_until("\r\n\r\n");
  // Other requests go on meanwhile; and what is written is no more than the socket's buffers hold, far below the whole.
  HttpClient client = server.client();
  for (int i = 0; i < 50; ++i) REQUIRE(client.send(get("/elsewhere")).value().status == 200);
  CHECK(server.bytes_streamed < 40u << 20);
  CHECK(connection.read_all().size() > 1000 * 64 * 1024);
}

TEST_CASE("stop ends streams whole and idle connections at once") {
  TestServer server;
  HttpClient idle = server.client();
  REQUIRE(idle.send(get("/about")));
  std::atomic<int> seen = 0;
  Result<ClientResponse> response;
  std::thread reader([&] {
    HttpClient client = server.unix_client();
    response = client.stream(
        get("/stream"),
        [&seen](std::string_view) {
          ++seen;
          seen.notify_one();
          return true;
        },
        30s);
  });
  seen.wait(0);
  server.server().stop(30s);
  reader.join();
  CHECK(response);  // the last chunk came: it ended, it did not break
  CHECK(server.streams_ended == 1);
  CHECK(server.server().open_connections() == 0);
  CHECK_FALSE(std::filesystem::exists(server.socket_path()));
  const auto after = idle.send(get("/about"));
  REQUIRE_FALSE(after);
  CHECK(after.error().code == &errors::server_unreachable);
}

TEST_CASE("who is silent in the middle of a request is let go") {
  ServerConfig config;
  config.request_timeout = 1s;
  config.idle_timeout = 1s;
  TestServer server(config);
  RawConnection head(server);
  head.send("GET /about HTT");
  CHECK(head.read_all().empty());
  RawConnection body(server);
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  body.read_all();
  RawConnection idle(server);
  CHECK(idle.read_all().empty());
}

TEST_CASE("above the limit of connections the answer is 503") {
  ServerConfig config;
  config.connections_max = 1;
  TestServer server(config);
  HttpClient first = server.client();
  REQUIRE(first.send(get("/about")));
  RawConnection second(server);
  const std::string answer = second.read_all();
  CHECK(answer.starts_with("HTTP/1.1 503"));
  CHECK(answer.find("\"code\":\"unavailable\"") != std::string::npos);
  CHECK(first.send(get("/about")).value().status == 200);
}

TEST_CASE("a Unix socket is private, may have a long path, and replaces a dead one") {
  TestServer server;
  struct stat status{};
  REQUIRE(::stat(server.socket_path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);

  const auto path = server.folder() / std::string(60, 'a') / std::string(60, 'b') / "server.sock";
  REQUIRE(path.native().size() >= 150);
  REQUIRE(make_directories(path.parent_path()));
  const auto handler = [](Request&) -> Task<Response> { co_return Response{}; };
  {
    HttpServer second({}, handler);
    REQUIRE(second.listen_unix(path));
    REQUIRE(second.start());
    HttpClient client(ClientConfig{.server_url = "unix://" + path.string()});
    CHECK(client.send(get("/")).value().status == 200);
    HttpServer third({}, handler);
    const Status refused = third.listen_unix(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == &errors::store_busy);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  { const Fd dead = listen_on_unix(path).value(); }
  CHECK(std::filesystem::exists(path));
  HttpServer fourth({}, handler);
  CHECK(fourth.listen_unix(path));
  REQUIRE(write_file_atomically(server.folder() / "file", "x"));
  CHECK(fourth.listen_unix(server.folder() / "file").error().code == &errors::io_failed);
  CHECK_FALSE(fourth.listen_tcp("127.0.0.1:" + std::to_string(server.port())));
}

TEST_CASE("the client tells nobody there from somebody who went away") {
  uint16_t closed_port = 0;
  {
    const Fd listener = listen_on_tcp({"127.0.0.1", "0"}).value();
    closed_port = port_of(listener).value();
  }
  HttpClient nobody(ClientConfig{.server_url = "http://127.0.0.1:" + std::to_string(closed_port)});
  CHECK(nobody.send(get("/")).error().code == &errors::server_unreachable);
  HttpClient no_socket(ClientConfig{.server_url = "unix:///no/such/server.sock"});
  CHECK(no_socket.send(get("/")).error().code == &errors::server_unreachable);
  HttpClient no_url(ClientConfig{.server_url = "server"});
  CHECK(no_url.send(get("/")).error().code == &errors::invalid_request);
  TestServer server;
  HttpClient client = server.client();
  CHECK(client.send(get("/a b")).error().code == &errors::invalid_request);
  CHECK(client.send(get("/a\r\nX: y")).error().code == &errors::invalid_request);
  ClientRequest injected = get("/about");
  injected.headers = {{"X", "a\r\nY: b"}};
  CHECK(client.send(injected).error().code == &errors::invalid_request);
}

namespace {

// Answers each connection with one text after it has seen the end of a head, then closes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers) : listener_(listen_on_tcp({"127.0.0.1", "0"}).value()) {
    port_ = port_of(listener_).value();
    thread_ = std::thread([this, texts = std::move(answers)] {
      for (const std::string& text : texts) answer(text);
    });
  }
  ~ScriptedServer() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void answer(const std::string& text) {
    pollfd entry{listener_.get(), POLLIN, 0};
    if (::poll(&entry, 1, 30'000) != 1) return;
    const Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos && ::recv(socket.get(), &byte, 1, 0) == 1) head += byte;
    for (const char c : text) ::send(socket.get(), &c, 1, MSG_NOSIGNAL);
  }
  Fd listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

TEST_CASE("the client reads answers of every framing, byte by byte") {
  ScriptedServer server(
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "HTTP/1.1 204 No Content\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "nonsense\r\n\r\n", ""});
  HttpClient client(ClientConfig{.server_url = server.url()});
  CHECK(client.send(get("/")).value().body == "abc");
  CHECK(client.send(get("/")).value().body == "to the end");
  CHECK(client.send(get("/")).value().status == 204);
  for (int i = 0; i < 3; ++i) {
    const auto response = client.send(get("/"));
    REQUIRE_FALSE(response);
    CHECK(response.error().code == &errors::unavailable);
  }
}

TEST_CASE("a kept connection that was closed meanwhile is opened again") {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"});
  HttpClient client(ClientConfig{.server_url = server.url()});
  CHECK(client.send(get("/")).value().body == "a");
  CHECK(client.send(get("/")).value().body == "b");
}

TEST_CASE("a problem does not go to a stream's sink but into the answer") {
  TestServer server;
  bool is_called = false;
  ClientRequest request = post("/echo", std::string((1 << 20) + 1, 'x'));
  const auto response = server.client().stream(request, [&](std::string_view) { return is_called = true; }, 30s).value();
  CHECK(response.status == 413);
  CHECK_FALSE(is_called);
  CHECK(error_from_response(response).code == &errors::too_large);
}
