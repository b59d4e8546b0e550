// Members, tokens and secrets as the handlers keep them: what a token may do follows its user's role, a workspace keeps an owner,
// and nothing that is stored holds a login.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/scripted_target.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kDefault = "/api/v1/workspaces/default";
const net::Peer kTcp{false, 0, "127.0.0.1:9"};

struct Desk {
  test::TestWorld world;

  int status(Method method, const std::string& target, const std::string& body = {}, const std::string& token = {}) {
    std::optional<net::Peer> peer;
    if (!token.empty()) peer = kTcp;
    return world.ask(method, target, body, token, peer).status;
  }
  std::string text_of(const net::Response& response, const char* key) {
    const json::value document = parse_json(response.body).value();
    return std::string(document.as_object().at(key).as_string());
  }
  // {token, id}
  std::pair<std::string, std::string> token(const std::string& user, const std::string& role, const std::string& by = {}) {
    std::optional<net::Peer> peer;
    if (!by.empty()) peer = kTcp;
    const net::Response made = world.ask(Method::kPost, std::string(kDefault) + "/tokens",
                                         fmt::format(R"({{"user":"{}","role":"{}"}})", user, role), by, peer);
    CAPTURE(made.body);
    REQUIRE(made.status == 201);
    return {text_of(made, "token"), text_of(made, "id")};
  }
  int set_role(const std::string& user, const std::string& role) {
    return status(Method::kPut, fmt::format("{}/members/{}", kDefault, user), fmt::format(R"({{"role":"{}"}})", role));
  }
  int remove(const std::string& user) { return status(Method::kDelete, fmt::format("{}/members/{}", kDefault, user)); }
  int reads(const std::string& token) { return status(Method::kGet, std::string(kDefault) + "/runs", "", token); }
  int writes(const std::string& token) {
    return status(Method::kPost, std::string(kDefault) + "/experiments", R"({"name":"e"})", token) / 100;
  }
};

}  // namespace

TEST_CASE("a token does what its user's role allows at the moment, and never more than it was made for") {
  Desk desk;
  const std::string token = desk.token("ada", "contributor").first;
  CHECK(desk.status(Method::kGet, std::string(kDefault) + "/members/ada") == 200);
  CHECK(desk.writes(token) == 2);
  REQUIRE(desk.set_role("ada", "reader") == 200);
  CHECK(desk.reads(token) == 200);
  CHECK(desk.writes(token) == 4);
  REQUIRE(desk.set_role("ada", "owner") == 200);
  CHECK(desk.writes(token) == 2);
  CHECK(desk.status(Method::kGet, std::string(kDefault) + "/members", "", token) == 403);
}

TEST_CASE("a login token that does not work says what is wrong with it, and none of its letters") {
  Desk desk;
  const std::string token = desk.token("ada", "contributor").first;
  const auto told = [&](const std::string& wrong) {
    const net::Response answer = desk.world.ask(Method::kGet, std::string(kDefault) + "/runs", "", wrong, kTcp);
    CHECK(answer.status == 401);
    CHECK(answer.body.find(wrong) == std::string::npos);
    return answer.body;
  };
  CHECK(told(token.substr(0, 12)).find("the login token is not known to this server") != std::string::npos);
  CHECK(told(token.substr(4)).find("this is no login token: those of this server begin with \\\"wbt_\\\"") != std::string::npos);
  CHECK(told("aaaa.bbbb.cccc").find("the run token is malformed") != std::string::npos);
}

TEST_CASE("who is removed is out, and comes back with a new token only") {
  Desk desk;
  const std::string token = desk.token("ada", "contributor").first;
  REQUIRE(desk.remove("ada") == 204);
  CHECK(desk.reads(token) == 401);
  CHECK(desk.remove("ada") == 404);
  const std::string later = desk.token("ada", "reader").first;
  CHECK(desk.reads(token) == 401);
  CHECK(desk.reads(later) == 200);
}

TEST_CASE("a token for more than the member's role is refused and changes nothing") {
  Desk desk;
  REQUIRE(desk.set_role("ada", "reader") == 200);
  const std::string wish = R"({"user":"ada","role":"owner"})";
  CHECK(desk.status(Method::kPost, std::string(kDefault) + "/tokens", wish) == 403);
  CHECK(desk.status(Method::kPost, "/api/v1/tokens", R"({"user":"ada","role":"owner","workspace":"default"})") == 403);
  const net::Response tokens = desk.world.ask(Method::kGet, "/api/v1/tokens");
  CHECK(parse_json(tokens.body).value().as_object().at("items").as_array().empty());
  CHECK(desk.text_of(desk.world.ask(Method::kGet, std::string(kDefault) + "/members/ada"), "role") == "reader");
}

TEST_CASE("the last owner of a workspace stays one") {
  Desk desk;
  REQUIRE(desk.set_role("ada", "owner") == 200);
  CHECK(desk.remove("ada") == 403);
  CHECK(desk.set_role("ada", "reader") == 403);
  CHECK(desk.set_role("ada", "owner") == 200);
  REQUIRE(desk.set_role("bob", "owner") == 200);
  CHECK(desk.set_role("ada", "reader") == 200);
  CHECK(desk.remove("bob") == 403);
  CHECK(desk.remove("ada") == 204);
}

TEST_CASE("who makes a workspace owns it") {
  Desk desk;
  REQUIRE(desk.status(Method::kPost, "/api/v1/workspaces", R"({"name":"vision"})") == 201);
  const net::Response members = desk.world.ask(Method::kGet, "/api/v1/workspaces/vision/members");
  const json::value document = parse_json(members.body).value();
  const json::array& items = document.as_object().at("items").as_array();
  REQUIRE(items.size() == 1);
  CHECK(items[0].as_object().at("role") == "owner");
}

TEST_CASE("an owner of a workspace manages its tokens, and no others") {
  Desk desk;
  const std::string owner = desk.token("ada", "owner").first;
  const auto [bobs, id] = desk.token("bob", "reader", owner);
  CHECK(desk.reads(bobs) == 200);
  const net::Response foreign =
      desk.world.ask(Method::kPost, "/api/v1/workspaces/other/tokens", R"({"user":"eve","role":"owner"})");
  REQUIRE(foreign.status == 201);
  const std::string foreign_id = desk.text_of(foreign, "id");
  CHECK(desk.status(Method::kGet, "/api/v1/tokens", "", owner) == 403);
  CHECK(desk.status(Method::kPost, "/api/v1/tokens", R"({"user":"bob","workspace":"*"})", owner) == 403);
  CHECK(desk.status(Method::kPost, std::string(kDefault) + "/tokens", R"({"user":"bob","workspace":"other"})", owner) == 400);
  CHECK(desk.status(Method::kPost, "/api/v1/workspaces/other/tokens", R"({"user":"bob"})", owner) == 403);
  const net::Response listed = desk.world.ask(Method::kGet, std::string(kDefault) + "/tokens", "", owner, kTcp);
  CHECK(listed.body.find(foreign_id) == std::string::npos);
  CHECK(listed.body.find(id) != std::string::npos);
  CHECK(desk.status(Method::kDelete, fmt::format("{}/tokens/{}", kDefault, foreign_id), "", owner) == 404);
  CHECK(desk.status(Method::kDelete, fmt::format("{}/tokens/{}", kDefault, id), "", owner) == 204);
  CHECK(desk.reads(bobs) == 401);
}

TEST_CASE("a token for all workspaces is no matter of members") {
  Desk desk;
  const net::Response made = desk.world.ask(Method::kPost, "/api/v1/tokens", R"({"user":"ada","role":"reader"})");
  REQUIRE(made.status == 201);
  CHECK(desk.reads(desk.text_of(made, "token")) == 200);
  CHECK(desk.status(Method::kGet, std::string(kDefault) + "/members/ada") == 404);
}

TEST_CASE("secrets with a NUL are refused, others come back whole") {
  Desk desk;
  const std::string target = std::string(kDefault) + "/secrets/db";
  CHECK(desk.status(Method::kPut, target, R"({"value":"a\u0000b"})") == 400);
  CHECK(desk.status(Method::kGet, target) == 404);
  REQUIRE(desk.status(Method::kPut, target, R"({"value":" ä\r\n\"\\ "})") == 200);
  CHECK(desk.text_of(desk.world.ask(Method::kGet, target + "/value"), "value") == " ä\r\n\"\\ ");
}

TEST_CASE("logins of a submission are stored sealed, and open for the launch") {
  auto scripted = std::make_unique<test::ScriptedTarget>();
  test::ScriptedTarget* const target = scripted.get();
  std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
  targets.emplace("local", std::move(scripted));
  test::TestWorld world(std::move(targets));
  REQUIRE(world.engine->start().has_value());
  const std::string spec =
      R"({"command":"load --from http://u:hidden0@h/","arguments":["s3://k:hidden1@b/p"],)"
      R"("environmentVariables":{"DB":"mysql://u:hidden2@h/d"},"submitterEnvironment":{"https_proxy":"u:hidden3@proxy:1"},)"
      R"("environment":{"interpreter":"/usr/bin/python3","variables":{"X":"amqp://u:hidden4@h"},)"
      R"("docker":{"baseImageRegistry":{"password":"hidden5"}}}})";
  const std::string body =
      fmt::format(R"({{"experiment":"e","runId":"r","git":{{"repositoryUrl":"https://hidden6@h/r","branch":"b",)"
                  R"("commit":"c","dirty":false}},"spec":{}}})",
                  spec);
  const net::Response submitted = world.ask(Method::kPost, std::string(kDefault) + "/runs", body);
  CAPTURE(submitted.body);
  REQUIRE(submitted.status == 202);
  std::optional<RunSpec> stored;
  std::optional<Run> run;
  REQUIRE(world.store->read([&](store::Reader& reader) -> Status {
    TRY(stored, reader.run_spec({"default", "r"}));
    TRY(run, reader.run({"default", "r"}));
    return {};
  }));
  std::string kept = canonical_json(to_json(*stored)) + canonical_json(to_json(*run)) + submitted.body;
  for (const char* part : {"/details", "/spec", ""}) {
    kept += world.ask(Method::kGet, fmt::format("{}/runs/r{}", kDefault, part)).body;
  }
  CAPTURE(kept);
  CHECK(kept.find("hidden") == std::string::npos);
  CHECK(kept.find("wbs1.") != std::string::npos);

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto listener = world.hub.listen({api::Topic::everything()});
  while (target->started().empty() && std::chrono::steady_clock::now() < deadline) {
    sync_wait(world.hub.wait(listener, world.hub.position(listener), std::chrono::milliseconds(50)));
  }
  REQUIRE(target->started().size() == 1);
  const LaunchPlan plan = target->started().front().plan;
  CHECK(plan.command == "load --from http://u:hidden0@h/");
  CHECK(plan.arguments.at(0) == "s3://k:hidden1@b/p");
  CHECK(plan.variables.at("DB") == "mysql://u:hidden2@h/d");
  CHECK(plan.variables.at("https_proxy") == "u:hidden3@proxy:1");
  CHECK(plan.variables.at("X") == "amqp://u:hidden4@h");
}

TEST_CASE("a sealed login that a reader saw is not opened for his own script; indexes and registered environments keep theirs") {
  std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
  targets.emplace("local", std::make_unique<test::ScriptedTarget>());
  test::TestWorld world(std::move(targets));
  const auto submit = [&world](const char* workspace, const json::object& spec) {
    const json::object body{{"experiment", "e"}, {"spec", spec}};
    return world.ask(Method::kPost, fmt::format("/api/v1/workspaces/{}/runs", workspace), json::serialize(body));
  };
  const json::object interpreter{{"interpreter", "/usr/bin/python3"}};
  const auto environment_with = [&interpreter](const char* key, const json::value& value) {
    json::object environment = interpreter;
    environment[key] = value;
    return json::object{{"command", "x"}, {"environment", environment}};
  };
  const net::Response first = submit("default", {{"command", "load http://u:hidden@h/"},
                                                 {"environment", interpreter},
                                                 {"environmentVariables", json::object{{"https_proxy", "u:hidden@proxy:1"}}}});
  REQUIRE(first.status == 202);
  const std::string run(parse_json(first.body).value().at("runId").as_string());
  const std::string at_run = fmt::format("{}/runs/{}", kDefault, run);
  const json::value seen = parse_json(world.ask(Method::kGet, at_run + "/spec").body).value();
  const json::value& command = seen.at("command");
  const json::value& proxy = seen.at("environmentVariables").at("https_proxy");
  REQUIRE(std::string_view(command.as_string()).starts_with("load http://wbs1."));
  REQUIRE(std::string_view(proxy.as_string()).starts_with("wbs1."));

  const json::object variables{{"X", command}};
  for (const json::object& spec :
       {json::object{{"command", command}, {"environment", interpreter}},
        json::object{{"command", "x"}, {"environment", interpreter}, {"arguments", json::array{command}}},
        json::object{{"command", "x"}, {"environment", interpreter}, {"environmentVariables", variables}},
        json::object{{"command", "x"}, {"environment", interpreter}, {"environmentVariables", {{"HTTP_PROXY", proxy}}}},
        json::object{{"command", "x"}, {"environment", interpreter}, {"submitterEnvironment", variables}},
        environment_with("variables", variables)}) {
    const net::Response refused = submit("default", spec);
    CAPTURE(json::serialize(spec));
    CHECK(refused.status == 400);
    CHECK(refused.body.find("sealed") != std::string::npos);
  }
  const std::string environments = std::string(kDefault) + "/environments";
  const std::string with_seen = json::serialize(json::object{{"name", "taken"}, {"variables", variables}});
  CHECK(world.ask(Method::kPost, environments, with_seen).status == 400);
  CHECK(world
            .ask(Method::kPost, environments + "/prepare",
                 json::serialize(json::object{{"environment", {{"variables", variables}}}}))
            .status == 400);
  CHECK(world.ask(Method::kPost, at_run + "/rerun", "{}").status / 100 == 2);  // the server's own text, in its own place

  json::object own = interpreter;
  own["name"] = "own";
  own["userManaged"] = true;
  own["variables"] = json::object{{"DB", "mysql://u:hidden@h/d"}};
  REQUIRE(world.ask(Method::kPost, environments, json::serialize(own)).status == 201);
  json::value back = parse_json(world.ask(Method::kGet, environments + "/own").body).value();
  back.as_object().erase("createdUtc");
  back.as_object().erase("curated");
  back.as_object().erase("labels");
  const json::object with_back{{"command", "x"}, {"environment", back}};
  const net::Response taken = submit("default", with_back);
  CAPTURE(taken.body);
  CHECK(taken.status == 202);
  CHECK(submit("other", with_back).status == 400);

  const std::string login = std::string(command.as_string()).substr(12, command.as_string().size() - 13);
  const auto with_source = [&login](const std::string& scheme) {
    const std::string index = "--index-url " + scheme + "://" + login;
    return json::object{{"command", "x"},
                        {"environment", json::object{{"userManaged", false}, {"pipRequirements", json::array{index, "a==1"}}}}};
  };
  const json::object with_index = with_source("http");
  CHECK(submit("default", with_index).status == 202);
  CHECK(submit("default", with_source("https")).status == 400);  // it was written for http
  const net::Response elsewhere = submit("other", with_index);
  CHECK(elsewhere.status == 400);
  CHECK(elsewhere.body.find("workspace") != std::string::npos);
}

TEST_CASE("a registered environment is the same when it comes again, also as it was read back") {
  Desk desk;
  const std::string target = std::string(kDefault) + "/environments";
  const std::string definition =
      R"({"name":"closed","userManaged":false,"pipRequirements":["--index-url https://u:hidden@h/simple","a==1"]})";
  REQUIRE(desk.status(Method::kPost, target, definition) == 201);
  CHECK(desk.status(Method::kPost, target, definition) == 200);
  const net::Response read = desk.world.ask(Method::kGet, target + "/closed");
  CHECK(read.body.find("hidden") == std::string::npos);
  json::value document = parse_json(read.body).value();
  document.as_object().erase("createdUtc");
  document.as_object().erase("curated");
  document.as_object().erase("labels");
  document.as_object()["version"] = "";
  CHECK(desk.status(Method::kPost, target, json::serialize(document)) == 200);
}
