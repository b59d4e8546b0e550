// The client against servers that behave and servers that do not.
#include "net/test_server.hh"

using namespace werkbank;
using namespace werkbank::net;
using namespace werkbank::net::test;

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
