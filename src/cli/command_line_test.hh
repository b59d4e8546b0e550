// A command line with everything around it replaced: its output is kept, its environment given, its server a function.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <mutex>

#include "base/files.hh"
#include "base/hash.hh"
#include "cli/az.hh"
#include "cli/command.hh"
#include "cli/dispatch.hh"
#include "net/http_server.hh"

namespace werkbank::cli {

struct TemporaryFolder {
  TemporaryFolder() {
    char name[] = "/tmp/wb-cli-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() { (void)remove_tree(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

struct Asked {
  std::string method, target, body, idempotency_key, authorization;
};

// Answers by method and path; everything else is 404 not_found.
class FakeServer {
 public:
  FakeServer() : server_({}, [this](net::Request& request) { return answer(request); }) {
    REQUIRE(server_.listen_unix(folder_.path / "server.sock"));
    REQUIRE(server_.start());
  }
  ~FakeServer() { server_.stop(std::chrono::milliseconds(0)); }

  void answer_with(const std::string& route, std::string body, std::string type = "application/json", int status = 200) {
    const std::lock_guard lock(mutex_);
    net::Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers.emplace_back("Content-Type", std::move(type));
    answers_[route] = std::move(response);
  }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string url() const { return "unix://" + (folder_.path / "server.sock").string(); }

 private:
  Task<net::Response> answer(net::Request& request) {
    const Result<std::string> body = co_await request.body->all(1 << 20);
    const std::lock_guard lock(mutex_);
    asked_.push_back({std::string(net::to_string(request.method)), request.target, body.value_or(""),
                      std::string(request.header("idempotency-key")), std::string(request.header("authorization"))});
    const auto found = answers_.find(asked_.back().method + " " + request.path);
    if (found != answers_.end()) co_return found->second;
    if (asked_.back().method == "POST" && request.path.ends_with("/snapshots")) co_return stored_snapshot(asked_.back().body);
    net::Response missing;
    missing.status = 404;
    missing.headers.emplace_back("Content-Type", "application/problem+json");
    missing.body = R"({"code":"not_found","status":404,"detail":"nothing here"})";
    co_return missing;
  }

  static net::Response stored_snapshot(const std::string& manifest) {
    net::Response response;
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = json::serialize(json::object{{"snapshotId", Hash::of(manifest).hex()}, {"missing", json::array()}});
    return response;
  }

  TemporaryFolder folder_;
  std::mutex mutex_;
  std::map<std::string, net::Response> answers_;
  std::vector<Asked> asked_;
  net::HttpServer server_;
};

struct Outcome {
  int code = -1;
  std::string out, err;
};

struct CommandLine {
  // With an address no command starts a server: the program it would start is this test.
  std::map<std::string, std::string> environment{
      {"HOME", "/nonexistent"}, {"PATH", "/usr/bin:/bin"}, {"WERKBANK_URL", "unix:///nonexistent/no.sock"}};
  data::DataStoreOpener open_data;

  Outcome run(std::vector<std::string> words, bool az = false) const {
    Outcome outcome;
    TerminalConfig config;
    config.out = [&](std::string_view text) { outcome.out += text; };
    config.err = [&](std::string_view text) { outcome.err += text; };
    Terminal terminal(config);
    CliPrograms programs;
    programs.version = "1.2.3";
    programs.open_data = open_data;
    Context context(programs, environment, terminal);
    const Dialect own{.program = "werkbank", .description = "Werkbank", .add_commands = add_all_commands};
    outcome.code = dispatch(az ? az_dialect() : own, context, std::move(words));
    return outcome;
  }
};

// What a server knows of one run that is over, and a project that submits to it.
inline constexpr std::string_view kRun = R"({"runId":"digits_1","runNumber":1,"experiment":"digits","experimentId":7,
  "status":"Completed","script":"train.py","target":"local","stage":"active","managed":true,"displayName":"n","description":"",
  "parentRunId":null,"createdBy":{"userName":"u"},"createdUtc":"2026-11-21T08:00:00.000000Z",
  "startTimeUtc":"2026-11-21T08:00:01.000000Z","endTimeUtc":"2026-11-21T08:00:08.123000Z",
  "properties":{"azureml.git.commit":"f00"},"tags":{},"warnings":[],"error":null})";
inline constexpr std::string_view kMetrics = R"({"metrics":[
  {"name":"accuracy","kind":"azureml.v1.scalar","columns":[{"name":"","count":1,"last":0.97}]},
  {"name":"loss","kind":"azureml.v1.scalar","columns":[{"name":"","count":3,"last":{"special":"nan"}}]},
  {"name":"row","kind":"azureml.v1.table","columns":[{"name":"a","count":1,"last":1}]}]})";
inline const std::string kRuns = "/api/v1/workspaces/default/runs";

inline CommandLine line_to(const FakeServer& server) {
  CommandLine line;
  line.environment["WERKBANK_URL"] = server.url();
  line.environment["WERKBANK_HOME"] = "/nonexistent/home";
  return line;
}

inline std::string event(std::string_view name, const json::value& data) {
  return fmt::format("id: 1\nevent: {}\ndata: {}\n\n", name, json::serialize(data));
}

struct Project {
  explicit Project(FakeServer& server) {
    REQUIRE(write_file_atomically(folder.path / "train.py", "print(1)\n"));
    server.answer_with("POST " + kRuns, std::string(kRun), "application/json", 202);
    server.answer_with("GET " + kRuns + "/digits_1/metrics", std::string(kMetrics));
    answer_end(server, "Completed", std::string(kRun));
  }
  void answer_end(FakeServer& server, std::string_view status, std::string run) const {
    const std::string text = "one\ntwo\n";
    server.answer_with(
        "GET /api/v1/workspaces/default/events",
        event("log",
              json::object{{"run", "digits_1"}, {"path", "azureml-logs/70_driver_log.txt"}, {"offset", 0}, {"text", text}}) +
            event("run.status", json::object{{"runId", "digits_1"}, {"data", json::object{{"status", status}}}}),
        "text/event-stream");
    server.answer_with("GET " + kRuns + "/digits_1", std::move(run));
  }
  std::vector<std::string> submit(std::vector<std::string> more) const {
    std::vector<std::string> words{"run", "submit", "--source-directory", folder.path.string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  TemporaryFolder folder;
};

}  // namespace werkbank::cli
