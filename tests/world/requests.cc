// What requests get whatever noun they are about: methods, conditions, the document of all routes; and where files may lie.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "api/openapi.hh"
#include "net/url.hh"
#include "support/scripted_target.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

const std::string kRuns = "/api/v1/workspaces/default/runs";

using Headers = std::vector<std::pair<std::string, std::string>>;

// Like TestWorld::ask, with headers.
net::Response ask(test::TestWorld& world, Method method, const std::string& path, const Headers& headers,
                  const std::string& body = {}) {
  net::Request request;
  request.method = method;
  request.path = request.target = path;
  request.segments = net::parse_target(path).value().segments;
  request.peer = {true, 1000, ""};
  for (const auto& [name, value] : headers) request.headers[name] = value;
  test::TextBody text(body);
  request.body = &text;
  api::Router router(*world.api);
  return sync_wait(router.answer(request));
}

std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

std::string code_of(const net::Response& response) {
  const json::value document = json::parse(response.body);
  return std::string(document.at("code").as_string());
}

void track(test::TestWorld& world, const std::string& id) {
  const std::string body = fmt::format(R"({{"experiment":"e","runId":"{}"}})", id);
  REQUIRE(world.ask(Method::kPost, "/api/v1/workspaces/default/tracked-runs", body).status == 201);
}

}  // namespace

TEST_CASE("a known path that is asked with another method is told which ones it takes") {
  test::TestWorld world;
  for (const auto& [method, path, allowed] :
       {std::tuple(Method::kDelete, "/healthz", "GET, HEAD"), std::tuple(Method::kPatch, "/api/v1/workspaces", "GET, HEAD, POST"),
        std::tuple(Method::kOptions, "/api/v1/workspaces/default/runs/r", "GET, HEAD, PATCH, DELETE"),
        std::tuple(Method::kHead, "/api/v1/server/gc", "POST"),
        std::tuple(Method::kPatch, "/api/v1/workspaces/default/runs/r/files/a/b", "GET, HEAD, PUT, POST, DELETE")}) {
    CAPTURE(path);
    const net::Response response = world.ask(method, path);
    CHECK(response.status == 405);
    CHECK(header_of(response, "Allow") == allowed);
    CHECK(code_of(response) == "method_not_allowed");
  }
  const net::Response nowhere = world.ask(Method::kOptions, "/api/v1/nowhere");
  CHECK(nowhere.status == 404);
  CHECK(header_of(nowhere, "Allow").empty());
  // Strangers are not told what there is.
  CHECK(world.ask(Method::kDelete, "/healthz", "", "", net::Peer{false, 0, "127.0.0.1:1"}).status == 401);
}

TEST_CASE("a run that the client has is not sent again, and one that has changed is not changed") {
  test::TestWorld world;
  track(world, "r");
  const std::string run = kRuns + "/r";
  const std::string etag = header_of(world.ask(Method::kGet, run), "ETag");
  REQUIRE(etag.size() > 2);
  for (const std::string& known : {etag, "W/" + etag, "\"0\", " + etag, std::string("*")}) {
    CAPTURE(known);
    const net::Response unchanged = ask(world, Method::kGet, run, {{"if-none-match", known}});
    CHECK(unchanged.status == 304);
    CHECK(unchanged.body.empty());
    CHECK(header_of(unchanged, "ETag") == etag);
  }
  CHECK(ask(world, Method::kGet, run, {{"if-none-match", "\"x\", \"y\""}}).status == 200);

  const std::string change = R"({"displayName":"changed"})";
  const net::Response changed = ask(world, Method::kPatch, run, {{"if-match", etag}}, change);
  CHECK(changed.status == 200);
  CHECK(ask(world, Method::kGet, run, {{"if-none-match", etag}}).status == 200);
  const net::Response refused = ask(world, Method::kPatch, run, {{"if-match", etag}}, R"({"displayName":"again"})");
  CHECK(refused.status == 412);
  CHECK(code_of(refused) == "run_state_conflict");
  CHECK(json::parse(refused.body).at("status").to_number<int>() == 412);
  CHECK(json::parse(world.ask(Method::kGet, run).body).at("displayName").as_string() == "changed");
  CHECK(ask(world, Method::kPatch, run, {{"if-match", "*"}}, change).status == 200);
}

TEST_CASE("the OpenAPI document names each operation once and declares the headers that count") {
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> headers;
  const json::object document = api::openapi_document("1");
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      const std::string id(operation.at("operationId").as_string());
      CAPTURE(id);
      CHECK(ids.insert(id).second);
      for (const json::value& parameter : operation.at("parameters").as_array()) {
        if (parameter.at("in").as_string() == "header") headers[std::string(parameter.at("name").as_string())].insert(id);
      }
    }
  }
  CHECK(ids.size() == static_cast<size_t>(std::ranges::count_if(api::all_routes(), std::not_fn(api::is_v1_route))));
  for (const char* id : {"listWorkspaces", "listWorkspaceRuns", "getWorkspaceRun", "postWorkspaceRunCancel", "changeWorkspaceRun",
                         "putWorkspaceRunFile", "getWorkspaceRunMetricsPoints", "getComputeTargetEnvironmentLock"}) {
    CAPTURE(id);
    CHECK(ids.contains(id));
  }
  CHECK(headers["Idempotency-Key"] == std::set<std::string>{"postWorkspaceRuns", "postWorkspaceRunRerun"});
  CHECK(headers["If-Match"] == std::set<std::string>{"changeWorkspaceDataset", "changeWorkspaceRun"});
  CHECK(headers["Last-Event-ID"] == std::set<std::string>{"getWorkspaceEvents"});
  CHECK(headers["Range"].contains("getWorkspaceRunFile"));
  CHECK(headers["If-None-Match"].contains("getWorkspaceRun"));
}

TEST_CASE("nobody waits for the metrics of a run that is not there") {
  test::TestWorld world;
  track(world, "r");
  CHECK(world.ask(Method::kGet, kRuns + "/r/metrics/accepted?writer=w").status == 200);
  const net::Response none = world.ask(Method::kGet, kRuns + "/none/metrics/accepted?writer=w&sequence=1&wait=60");
  CHECK(none.status == 404);
  CHECK(code_of(none) == "run_not_found");
}

TEST_CASE("no file of a run lies below another one") {
  test::TestWorld world;
  track(world, "r");
  const std::string files = kRuns + "/r/files/";
  const auto put = [&](const std::string& path) { return world.ask(Method::kPut, files + path, "bytes"); };
  REQUIRE(put("qq").status == 201);
  REQUIRE(put("a/b/c").status == 201);
  for (const char* path : {"qq/in", "qq/in/deep", "a", "a/b"}) {
    CAPTURE(path);
    const net::Response refused = put(path);
    CHECK(refused.status == 409);
    CHECK(code_of(refused) == "already_exists");
    const std::string link = files + path + "?hash=" + Hash::of("bytes").hex();
    CHECK(world.ask(Method::kPost, link).status == 409);
    CHECK(world.ask(Method::kPut, files + path + "?overwrite=true", "bytes").status == 409);
  }
  for (const char* path : {"qq2", "q", "a/b/d", "a/b2", "a/b/c2", "a-"}) {
    CAPTURE(path);
    CHECK(put(path).status == 201);
  }
  const net::Response folder = put("outputs/");
  CHECK(folder.status == 400);
  CHECK(code_of(folder) == "path_refused");
  CHECK(world.ask(Method::kGet, files + "outputs").status == 404);
  CHECK(world.ask(Method::kDelete, files + "qq").status == 204);
  CHECK(put("qq/in").status == 201);
}

namespace {

// A run on a target without processes, with its runner's way in.
struct StartedRun {
  StartedRun() {
    auto scripted = std::make_unique<test::ScriptedTarget>();
    const test::ScriptedTarget& target = *scripted;
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
    targets.emplace("local", std::move(scripted));
    world = std::make_unique<test::TestWorld>(std::move(targets));
    REQUIRE(world->engine->start().has_value());
    const char* const submission =
        R"({"experiment":"e","runId":"r","spec":{"command":"true","environment":{"interpreter":"/usr/bin/python3"}}})";
    const api::EventHub::ListenerPointer listener = world->hub.listen({api::Topic::everything()});
    REQUIRE(world->ask(Method::kPost, kRuns, submission).status == 202);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (target.started().empty() && std::chrono::steady_clock::now() < deadline) {
      const uint64_t seen = world->hub.position(listener);
      sync_wait(world->hub.wait(listener, seen, std::chrono::milliseconds(50)));
    }
    REQUIRE(target.started().size() == 1);
    plan = target.started()[0].plan;
    const std::string blob = "/api/v1/workspaces/default/blobs/" + Hash::of("bytes").hex();
    REQUIRE(world->ask(Method::kPut, blob, "bytes").status == 201);
  }

  net::Response collect(const std::string& path, int rank) {
    const std::string target =
        fmt::format("{}/r/runner/artifacts?attempt={}&rank={}&lease={}", kRuns, plan.attempt, rank, plan.lease);
    const std::string body =
        fmt::format(R"({{"items":[{{"path":"{}","hash":"{}","sizeBytes":5}}]}})", path, Hash::of("bytes").hex());
    return world->ask(Method::kPost, target, body, plan.token.reveal());
  }
  bool has(const std::string& path) { return world->ask(Method::kGet, kRuns + "/r/files/" + path).status == 200; }

  std::unique_ptr<test::TestWorld> world;
  LaunchPlan plan;
};

}  // namespace

TEST_CASE("a script may make a folder of its file, but not of another's") {
  StartedRun run;
  CHECK(run.collect("outputs/model", 0).status == 200);
  CHECK(run.collect("outputs/model/weights", 0).status == 200);
  CHECK_FALSE(run.has("outputs/model"));
  CHECK(run.has("outputs/model/weights"));
  CHECK(run.collect("outputs/model", 0).status == 200);
  CHECK(run.has("outputs/model"));
  CHECK_FALSE(run.has("outputs/model/weights"));

  // What another process of the job keeps writing, and what a person has uploaded, stays.
  const net::Response other_rank = run.collect("outputs/model/weights", 1);
  CHECK(other_rank.status == 409);
  CHECK(code_of(other_rank) == "already_exists");
  REQUIRE(run.world->ask(Method::kPut, kRuns + "/r/files/outputs/mine", "bytes").status == 201);
  CHECK(run.collect("outputs/mine/deep", 0).status == 409);
  CHECK(run.has("outputs/mine"));
}

TEST_CASE("no file lies below a log, or where a log has its folder") {
  StartedRun run;
  const std::string log = fmt::format("{}/r/runner/logs?attempt={}&rank=0&lease={}&path=logs/own/a.txt&offset=0", kRuns,
                                      run.plan.attempt, run.plan.lease);
  REQUIRE(run.world->ask(Method::kPost, log, "text", run.plan.token.reveal()).status == 200);
  for (const char* path : {"logs/own/a.txt/below", "logs/own", "logs"}) {
    CAPTURE(path);
    CHECK(run.world->ask(Method::kPut, kRuns + "/r/files/" + path, "bytes").status == 409);
  }
  CHECK(run.world->ask(Method::kPut, kRuns + "/r/files/logs/own/b.txt", "bytes").status == 201);
}
