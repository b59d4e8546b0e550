// The follower against a server that goes away in the middle, repeats itself, and refuses.
#include "client/stream_follow.hh"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <mutex>

#include "net/http_server.hh"

namespace werkbank::client {
namespace {

std::string log_event(std::string_view id, uint64_t offset, std::string_view text) {
  const json::object data{{"run", "r"},         {"path", "azureml-logs/70_driver_log.txt"},
                          {"attempt", 1},       {"rank", 0},
                          {"offset", offset},   {"text", text},
                          {"size", text.size()}};
  return "id: " + std::string(id) + "\nevent: log\ndata: " + json::serialize(data) + "\n\n";
}

std::string status_event(std::string_view id, std::string_view run, std::string_view status) {
  const json::object data{{"runId", run}, {"type", "run.status"}, {"data", json::object{{"status", status}}}};
  return "id: " + std::string(id) + "\nevent: run.status\ndata: " + json::serialize(data) + "\n\n";
}

// Answers the n-th request with the n-th script and remembers what was asked.
struct ScriptedServer {
  struct Answer {
    int status = 200;
    std::vector<std::string> pieces;
  };
  explicit ScriptedServer(std::vector<Answer> scripted)
      : answers(std::move(scripted)), server({}, [this](net::Request& request) { return answer(request); }) {
    char name[] = "/tmp/wb-stream-XXXXXX";
    folder = mkdtemp(name);
    REQUIRE(server.listen_unix(folder / "server.sock"));
    REQUIRE(server.start());
  }
  ~ScriptedServer() {
    server.stop(std::chrono::milliseconds(0));
    (void)remove_tree(folder);
  }

  static Task<Status> write_pieces(std::vector<std::string> pieces, net::BodyWriter& writer) {
    for (std::string& piece : pieces) {
      CO_CHECK_OK(co_await writer.write(std::move(piece)));
    }
    co_return Status{};
  }

  Task<net::Response> answer(net::Request& request) {
    Answer now;
    {
      const std::lock_guard lock(mutex);
      asked.push_back(request.target);
      cursors.emplace_back(request.header("last-event-id"));
      now = answers[std::min(asked.size(), answers.size()) - 1];
    }
    net::Response response;
    response.status = now.status;
    if (now.status >= 400) {
      response.headers.emplace_back("Content-Type", "application/problem+json");
      response.body = now.pieces[0];
    } else {
      response.headers.emplace_back("Content-Type", "text/event-stream");
      response.stream = [pieces = now.pieces](net::BodyWriter& writer) { return write_pieces(pieces, writer); };
    }
    co_return response;
  }

  Session session() {
    return Session({.url = socket_url(folder), .home = folder}, []() -> Status { return {}; });
  }

  std::mutex mutex;
  std::vector<Answer> answers;
  std::vector<std::string> asked, cursors;
  std::filesystem::path folder;
  net::HttpServer server;
};

FollowOptions options_for(const std::string& run) {
  return {.workspace = "default", .run = run, .logs = {"azureml-logs/70_driver_log.txt"}};
}

TEST_CASE("a stream that breaks goes on at its cursor, without loss or repetition") {
  ScriptedServer server(
      {{200, {": hello\n\n", log_event("1", 0, "one\n"), log_event("2", 4, "two\n")}},
       {200, {log_event("2", 4, "two\n"), log_event("3", 8, "three\n"), status_event("4", "r", "Running")}},
       {200, {status_event("5", "other", "Failed"), status_event("6", "r", "Completed"), log_event("7", 14, "never\n")}}});
  Session session = server.session();
  std::string output;
  std::vector<std::string> statuses;
  int notices = 0;
  FollowListener listener;
  listener.on_log = [&](const LogPiece& piece) { output += piece.text; };
  listener.on_status = [&](const std::string& status, const json::object&) { statuses.push_back(status); };
  listener.on_notice = [&](const std::string&) { ++notices; };
  const auto status = follow_run(session, options_for("r"), listener);
  REQUIRE(status);
  CHECK(*status == "Completed");
  CHECK(output == "one\ntwo\nthree\n");
  CHECK(statuses == std::vector<std::string>{"Running", "Completed"});
  CHECK(notices == 2);
  CHECK(server.cursors == std::vector<std::string>{"", "2", "4"});
}

TEST_CASE("names are encoded in the address") {
  ScriptedServer server({{200, {status_event("1", "a b&c", "Failed")}}});
  Session session = server.session();
  const auto status = follow_run(session, options_for("a b&c"), {});
  REQUIRE(status);
  CHECK(*status == "Failed");
  CHECK(server.asked[0] ==
        "/api/v1/workspaces/default/events?events=run:a%20b%26c&log=a%20b%26c:azureml-logs%2F70_driver_log.txt");
}

TEST_CASE("a refusal is not waited for") {
  ScriptedServer server({{404, {R"({"code":"run_not_found","status":404,"detail":"no run"})"}}});
  Session session = server.session();
  const auto status = follow_run(session, options_for("r"), {});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == &errors::run_not_found);
  CHECK(server.asked.size() == 1);
}

TEST_CASE("a server that stays away ends the wait, and the hint says how to come back") {
  Session session({.url = "unix:///nowhere/server.sock", .local = false}, {});
  FollowOptions options = options_for("r");
  options.patience = std::chrono::milliseconds(0);
  const auto status = follow_run(session, options, {});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == &errors::server_unreachable);
  CHECK(status.error().hint.find("werkbank run logs r --follow") != std::string::npos);
}

TEST_CASE("events that cannot be read are told and passed over") {
  ScriptedServer server({{200,
                          {"event: log\ndata: {broken\n\n", "event: run.status\ndata: {\"runId\":\"r\"}\n\n",
                           status_event("1", "r", "Canceled")}}});
  Session session = server.session();
  int notices = 0;
  FollowListener listener;
  listener.on_notice = [&](const std::string&) { ++notices; };
  const auto status = follow_run(session, options_for("r"), listener);
  REQUIRE(status);
  CHECK(*status == "Canceled");
  CHECK(notices == 2);
}

}  // namespace
}  // namespace werkbank::client
