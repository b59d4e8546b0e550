#include "client/session.hh"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <atomic>

#include "client/server_process.hh"
#include "net/http_server.hh"

namespace werkbank::client {
namespace {

struct TemporaryFolder {
  TemporaryFolder() {
    char name[] = "/tmp/wb-session-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() { (void)remove_tree(path); }
  std::filesystem::path path;
};

Task<net::Response> answer_pages(net::Request& request) {
  net::Response response;
  response.headers.emplace_back("Content-Type", "application/json");
  const std::string cursor = request.query_value("cursor").value_or("");
  response.body = cursor.empty() ? R"({"items":[1,2],"next":"b"})" : R"({"items":[3],"next":""})";
  if (request.path == "/refused") {
    response.status = 404;
    response.headers[0].second = "application/problem+json";
    response.body = R"({"code":"run_not_found","title":"t","status":404,"detail":"no run 'x'","hint":"look"})";
  }
  co_return response;
}

TEST_CASE("the server's address: WERKBANK_URL, else the socket of the home") {
  const auto local = find_server({{"WERKBANK_HOME", "/data/wb/"}, {"WERKBANK_TOKEN", "ignored"}});
  REQUIRE(local);
  CHECK(local->url == "unix:///data/wb/server.sock");
  CHECK(local->local);
  CHECK(local->token.empty());
  const auto by_home = find_server({{"HOME", "/home/u"}});
  REQUIRE(by_home);
  CHECK(by_home->url == "unix:///home/u/.werkbank/server.sock");
  const auto remote = find_server({{"HOME", "/home/u"}, {"WERKBANK_URL", "https://box:8765/"}, {"WERKBANK_TOKEN", "t"}});
  REQUIRE(remote);
  CHECK(remote->url == "https://box:8765");
  CHECK_FALSE(remote->local);
  CHECK(remote->token.reveal() == "t");
  const auto odd = find_server({{"HOME", "/home/u"}, {"WERKBANK_URL", "box:8765"}});
  REQUIRE_FALSE(odd);
  CHECK(odd.error().code == &errors::invalid_request);
  CHECK(find_server({}).error().code == &errors::home_refused);
}

TEST_CASE("a server that is gone is started, and the request repeated") {
  const TemporaryFolder home;
  net::HttpServer server({}, answer_pages);
  int starts = 0;
  const auto start = [&]() -> Status {
    ++starts;
    CHECK_OK(server.listen_unix(home.path / "server.sock"));
    return server.start();
  };
  Session session({.url = socket_url(home.path), .home = home.path}, start);
  const auto list = fetch_list(session, "/items", 10);
  REQUIRE(list);
  CHECK(json::serialize(*list) == "[1,2,3]");
  CHECK(starts == 1);
  const auto refused = session.get("/refused");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == &errors::run_not_found);
  CHECK(refused.error().hint == "look");
  CHECK(starts == 1);
}

TEST_CASE("a remote server is never started") {
  Session session({.url = "unix:///nowhere/server.sock", .local = false}, []() -> Status {
    FAIL("started");
    return {};
  });
  const auto answer = session.get("/items");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == &errors::server_unreachable);
}

TEST_CASE("a start that fails is what the caller hears") {
  Session session({.url = "unix:///nowhere/server.sock"}, []() -> Status { return fail(errors::home_refused, "no"); });
  CHECK(session.get("/items").error().code == &errors::home_refused);
}

TEST_CASE("the server gets a login's variables and none of the shell's secrets") {
  ServerProgram program;
  program.home = "/data/wb";
  program.environment = {{"PATH", "/bin"},        {"LC_ALL", "C"},       {"AWS_SECRET_ACCESS_KEY", "s"},
                         {"WERKBANK_TOKEN", "t"}, {"WERKBANK_URL", "u"}, {"WERKBANK_UV", "/uv"},
                         {"LD_PRELOAD", "x"},     {"https_proxy", "p"},  {"WERKBANK_HOME", "relative"}};
  const EnvironmentMap wanted{
      {"PATH", "/bin"}, {"LC_ALL", "C"}, {"WERKBANK_UV", "/uv"}, {"https_proxy", "p"}, {"WERKBANK_HOME", "/data/wb"}};
  CHECK(server_environment(program) == wanted);
}

TEST_CASE("a server that ends at its start is told with its last words") {
  const TemporaryFolder home;
  ServerProgram program;
  program.executable = "/bin/false";
  program.home = home.path;
  program.environment = {{"PATH", "/usr/bin:/bin"}};
  const auto started = start_server(program);
  REQUIRE_FALSE(started);
  CHECK(started.error().code == &errors::server_unreachable);
  CHECK(started.error().message.find("ended at its start") != std::string::npos);
  CHECK_FALSE(is_server_answering(home.path));
  const auto stopped = stop_server(home.path);
  REQUIRE(stopped);
  CHECK_FALSE(*stopped);
}

}  // namespace
}  // namespace werkbank::client
