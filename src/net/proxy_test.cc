#include "net/proxy.hh"

#include "net/test_server.hh"

namespace werkbank::net {
namespace {

using Variables = std::map<std::string, std::string>;

std::string proxy_of(const std::string& url, const Variables& environment) {
  const auto proxy = proxy_for(parse_server_url(url).value(), environment);
  if (!proxy) return "refused";
  if (!*proxy) return "direct";
  return (*proxy)->address.host + ":" + (*proxy)->address.port;
}

TEST_CASE("which proxy leads to a server") {
  const Variables both{{"https_proxy", "http://secure:3128"}, {"HTTP_PROXY", "plain"}};
  CHECK(proxy_of("https://server.example.org", both) == "secure:3128");
  CHECK(proxy_of("http://server.example.org", both) == "plain:80");
  CHECK(proxy_of("https://server", {{"ALL_PROXY", "http://any:8080/"}}) == "any:8080");
  CHECK(proxy_of("https://server", {{"https_proxy", "lower"}, {"HTTPS_PROXY", "upper"}}) == "lower:80");
  CHECK(proxy_of("https://server", {{"http_proxy", "plain"}}) == "direct");
  CHECK(proxy_of("https://server", {{"https_proxy", "socks5://secure:1080"}}) == "refused");
  for (const char* const here : {"https://localhost:1", "https://127.0.0.1", "https://[::1]:1", "unix:///x"}) {
    CAPTURE(here);
    CHECK(proxy_of(here, both) == "direct");
  }
}

TEST_CASE("what NO_PROXY names is reached directly") {
  for (const char* const list : {"*", "example.org", ".example.org", "*.example.org", "a.b, server.EXAMPLE.org:443"}) {
    CAPTURE(list);
    CHECK(proxy_of("https://server.example.org", {{"https_proxy", "p"}, {"NO_PROXY", list}}) == "direct");
  }
  for (const char* const list : {"", "ample.org", "example.com", "server.example.org:8443", ","}) {
    CAPTURE(list);
    CHECK(proxy_of("https://server.example.org", {{"https_proxy", "p"}, {"NO_PROXY", list}}) == "p:80");
  }
}

TEST_CASE("a proxy's login is sent to it") {
  const ServerUrl url = parse_server_url("https://server").value();
  const auto proxy = proxy_for(url, {{"https_proxy", "http://anna:p%40w@secure:3128"}}).value();
  REQUIRE(proxy);
  CHECK(connect_request(url, *proxy) ==
        "CONNECT server:443 HTTP/1.1\r\nHost: server:443\r\nProxy-Authorization: Basic YW5uYTpwQHc=\r\n\r\n");
}

// Answers one CONNECT with the line given, and then speaks for the server itself.
class OneProxy {
 public:
  explicit OneProxy(std::string answer, std::string* heard = nullptr)
      : listener_(listen_on_tcp({"127.0.0.1", "0"}).value()), answer_(std::move(answer)), told_(heard) {
    setenv("http_proxy", ("http://127.0.0.1:" + std::to_string(port_of(listener_).value())).c_str(), 1);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneProxy() {
    thread_.join();
    unsetenv("http_proxy");
    if (told_ != nullptr) *told_ = heard_;
  }

 private:
  void serve() {
    pollfd entry{listener_.get(), POLLIN, 0};
    if (poll(&entry, 1, 30'000) != 1) return;
    const Fd connection(accept(listener_.get(), nullptr, nullptr));
    take(connection, answer_ + "\r\n\r\n");
    if (answer_.find(" 200 ") != std::string::npos)
      take(connection, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  }
  void take(const Fd& connection, const std::string& answer) {
    const size_t start = heard_.size();
    char byte = 0;
    while (heard_.find("\r\n\r\n", start) == std::string::npos && recv(connection.get(), &byte, 1, 0) == 1) heard_ += byte;
    send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  Fd listener_;
  std::string answer_;
  std::string heard_;
  std::string* told_;
  std::thread thread_;
};

HttpClient client_of_far_server() { return HttpClient(ClientConfig{.server_url = "http://werkbank.invalid:8080"}); }

TEST_CASE("a request goes through the proxy") {
  std::string heard;
  {
    OneProxy proxy("HTTP/1.1 200 Connection established", &heard);
    const auto answer = client_of_far_server().send(ClientRequest{.method = Method::kGet, .target = "/x"});
    REQUIRE(answer.has_value());
    CHECK(answer->body == "hello");
  }
  CHECK(heard.starts_with("CONNECT werkbank.invalid:8080 HTTP/1.1\r\n"));
  CHECK(heard.find("GET /x HTTP/1.1\r\n") != std::string::npos);
}

TEST_CASE("a proxy that refuses is named") {
  OneProxy proxy("HTTP/1.1 407 Proxy Authentication Required");
  const auto answer = client_of_far_server().send(ClientRequest{.method = Method::kGet, .target = "/x"});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == &errors::server_unreachable);
  CHECK(answer.error().message.find("407") != std::string::npos);
}

}  // namespace
}  // namespace werkbank::net
