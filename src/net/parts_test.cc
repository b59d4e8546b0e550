// The parts of net/ that need no socket.
#include <doctest/doctest.h>

#include "net/client_transport.hh"
#include "net/http_client.hh"
#include "net/problem.hh"
#include "net/response_head.hh"
#include "net/socket.hh"
#include "net/url.hh"

using namespace werkbank;
using namespace werkbank::net;

using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("targets are taken apart and decoded") {
  const Target target = parse_target("/api/v1/runs/a%20b%2Fc%C3%A4/?tag=k%3Dv&tag=x+y&flag&&e=").value();
  CHECK(target.path == "/api/v1/runs/a%20b%2Fc%C3%A4/");
  CHECK(target.segments == Texts{"api", "v1", "runs", "a b/c\xc3\xa4"});
  CHECK(target.query == Pairs{{"tag", "k=v"}, {"tag", "x y"}, {"flag", ""}, {"e", ""}});
  CHECK(parse_target("/").value().segments.empty());
  CHECK(parse_target("/a//b").value().segments == Texts{"a", "", "b"});
  CHECK(parse_target("/a+b").value().segments == Texts{"a+b"});
  CHECK(parse_target("http://host:1/a?b=c").value().segments == Texts{"a"});
  CHECK(parse_target("http://host").value().path == "/");
  CHECK(parse_target("*").value().path == "*");
}

TEST_CASE("targets that are not well formed are refused") {
  for (const char* text : {"", "a", "a/b", "/%", "/%4", "/%zz", "/%00", "/%ff", "/%c0%af", "/a?b=%", "/a?%00=1", "/a?b=%ed%a0%80",
                           "http://host?x=1", "ftp://host/a"}) {
    CAPTURE(text);
    const auto target = parse_target(text);
    REQUIRE_FALSE(target);
    CHECK(target.error().code == &errors::invalid_request);
  }
}

TEST_CASE("encode_segment is what parse_target undoes") {
  for (const std::string& text :
       {std::string("a b/c?d=e&f#g%h+i"), std::string("\xc3\xa4\xe2\x82\xac"), std::string("plain-._~")}) {
    CHECK(parse_target("/" + encode_segment(text)).value().segments == Texts{text});
    CHECK(parse_target("/x?k=" + encode_segment(text)).value().query == Pairs{{"k", text}});
  }
  CHECK(encode_segment("plain-._~") == "plain-._~");
}

namespace {

struct Feed {
  std::vector<ServerSentEvent> events;
  explicit Feed(std::string_view bytes, size_t piece = SIZE_MAX) {
    SseParser parser;
    for (size_t i = 0; i < bytes.size(); i += std::min(piece, bytes.size())) {
      parser.feed(bytes.substr(i, piece), [this](const ServerSentEvent& event) { events.push_back(event); });
    }
  }
};

}  // namespace

TEST_CASE("an event stream is split into events, wherever it is cut") {
  constexpr std::string_view kStream =
      "\xef\xbb\xbf: hello\n\nid: 7\nevent: log\ndata: one\ndata:two\ndata\n\ndata: {\"a\":1}\r\n\r\n"
      "id:8\revent:x\r\rretry: 10\nunknown: y\ndata: last: one\n\ndata: not ended";
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{5}, kStream.size()}) {
    CAPTURE(piece);
    const Feed feed(kStream, piece);
    REQUIRE(feed.events.size() == 3);
    CHECK(feed.events[0].id == "7");
    CHECK(feed.events[0].event == "log");
    CHECK(feed.events[0].data == "one\ntwo\n");
    CHECK(feed.events[1].event.empty());
    CHECK(feed.events[1].data == "{\"a\":1}");
    CHECK(feed.events[1].id == "7");  // the last one seen
    CHECK(feed.events[2].data == "last: one");
    CHECK(feed.events[2].id == "8");
  }
  CHECK(Feed("data:\n\n").events.size() == 1);
  CHECK(Feed("event: x\n\n").events.empty());
}

TEST_CASE("problem documents travel from server to client") {
  ClientResponse response;
  response.status = 409;
  response.headers["content-type"] = "application/problem+json";
  response.body = problem_json(Error{&errors::property_exists, "it is \"set\"", "use a tag", {"run x"}}, 409, "/api");
  Error error = error_from_response(response);
  CHECK(error.code == &errors::property_exists);
  CHECK(error.message == "run x: it is \"set\"");
  CHECK(error.hint == "use a tag");

  response.body = R"({"code":"of_a_newer_server","detail":"new","size":5})";
  error = error_from_response(response);
  CHECK(error.kind() == ErrorKind::kConflict);
  CHECK(error.message == "new");

  response.headers["content-type"] = "text/html";
  CHECK(error_from_response(response).code == &errors::unavailable);
  response.headers["content-type"] = "application/problem+json";
  response.body = "{";
  CHECK(error_from_response(response).code == &errors::unavailable);
  for (const ErrorKind kind : {ErrorKind::kInvalid, ErrorKind::kNotFound, ErrorKind::kTooLarge, ErrorKind::kInternal}) {
    CHECK(status_of(kind) >= 400);
  }
}

TEST_CASE("a head cannot be broken apart by what a handler writes") {
  Response response;
  response.headers = {
      {"X-Name", "a\r\nSet-Cookie: b\x01"}, {"Bad Name:\n", "v"}, {"Content-Length", "7"}, {"transfer-encoding", "x"}};
  const std::string head = response_head(response, {.framing = Framing::kLength, .length = 3, .keep_alive = false});
  CHECK(head.find("X-Name: aSet-Cookie: b\r\n") != std::string::npos);
  CHECK(head.find("BadName: v\r\n") != std::string::npos);
  CHECK(head.find("Content-Length: 3\r\n") != std::string::npos);
  CHECK(head.find("Content-Length: 7") == std::string::npos);
  CHECK(head.find("transfer-encoding") == std::string::npos);
  CHECK(head.find("Connection: close\r\n") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(announced_length(response) == 7);
}

TEST_CASE("addresses are read or refused") {
  CHECK(parse_host_port("127.0.0.1:8765").value().port == "8765");
  CHECK(parse_host_port("[::1]:0").value().host == "::1");
  CHECK(parse_host_port("localhost", "80").value().port == "80");
  for (const char* text :
       {"", "host", ":80", "host:", "host:x", "host:65536", "host:123456", "::1:80", "[::1", "[::1]80", "a b:1", "u@h:1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_host_port(text));
  }
  CHECK(parse_server_url("unix:///tmp/s.sock").value().socket_path == "/tmp/s.sock");
  CHECK(parse_server_url("https://h/w/b/").value().prefix == "/w/b");
  CHECK(parse_server_url("https://h").value().host_header() == "h");
  CHECK(parse_server_url("http://[::1]:81").value().host_header() == "[::1]:81");
  for (const char* text : {"", "h:1", "unix://relative", "ftp://h", "http://", "http://h/a?b", "http://h/a b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_server_url(text));
  }
}
