// `az login` at the server: a code for people, a page that asks for it, a token for whoever waits.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kDevice = "/api/v1/login/device";
const net::Peer kStranger{false, 0, "127.0.0.1:9"};

json::object asked(test::TestWorld& world, const std::string& target, const json::object& body, int status,
                   const std::string& token = {}, std::optional<net::Peer> peer = {}) {
  const net::Response answer = world.ask(Method::kPost, target, json::serialize(body), token, std::move(peer));
  CAPTURE(answer.body);
  REQUIRE(answer.status == status);
  return parse_json(answer.body).value().as_object();
}

std::string text(const json::object& object, const char* key) { return std::string(object.at(key).as_string()); }

json::object begin(test::TestWorld& world) { return asked(world, kDevice, {}, 201, {}, kStranger); }

std::string user_of(test::TestWorld& world, const std::string& token) {
  const net::Response me = world.ask(Method::kGet, "/api/v1/whoami", {}, token, kStranger);
  CAPTURE(me.body);
  REQUIRE(me.status == 200);
  return text(parse_json(me.body).value().as_object(), "user");
}

TEST_CASE("a stranger waits, an owner enters the code for a user, the token is answered once and works") {
  test::TestWorld world;
  const json::object begun = begin(world);
  const json::object wait{{"deviceCode", text(begun, "deviceCode")}};
  const std::string collect = std::string(kDevice) + "/token";
  CHECK(text(asked(world, collect, wait, 200, {}, kStranger), "status") == "pending");
  const std::string grant = std::string(kDevice) + "/grant";
  const json::object to_anna{
      {"userCode", text(begun, "userCode")}, {"user", "anna"}, {"workspace", "default"}, {"role", "reader"}};
  asked(world, grant, {{"userCode", text(begun, "userCode")}, {"user", "anna"}, {"role", "king"}}, 400);
  asked(world, grant, {{"userCode", text(begun, "userCode")}, {"user", "anna"}, {"workspace", "none"}}, 404);
  asked(world, grant, to_anna, 200);
  asked(world, grant, to_anna, 404);
  const json::object token = asked(world, collect, wait, 200, {}, kStranger);
  CHECK(text(token, "status") == "approved");
  CHECK(user_of(world, text(token, "token")) == "anna");
  CHECK(world.ask(Method::kPost, "/api/v1/workspaces/default/experiments", R"({"name":"e"})", text(token, "token"), kStranger)
            .status == 403);
  asked(world, collect, wait, 404, {}, kStranger);
}

TEST_CASE("whoever is logged in signs his other command line in as himself; a job nobody") {
  test::TestWorld world;
  const std::string approve = std::string(kDevice) + "/approve";
  const json::object begun = begin(world);
  const json::object code{{"userCode", text(begun, "userCode")}};
  CHECK(world.ask(Method::kPost, approve, json::serialize(code), {}, kStranger).status == 401);
  asked(world, approve, code, 200);
  const json::object token =
      asked(world, std::string(kDevice) + "/token", {{"deviceCode", text(begun, "deviceCode")}}, 200, {}, kStranger);
  CHECK(text(token, "role") == "owner");
}

TEST_CASE("the page: a form, a token, a code; what was typed never comes back as markup") {
  test::TestWorld world;
  const net::Response form = world.ask(Method::kGet, "/login", {}, {}, kStranger);
  CHECK(form.status == 200);
  CHECK(form.body.find("name=\"token\"") != std::string::npos);
  CHECK(world.ask(Method::kGet, "/login").body.find("name=\"token\"") == std::string::npos);  // logged in already
  const json::object created = asked(world, "/api/v1/tokens", {{"user", "<b>bert"}, {"workspace", "default"}}, 201);
  const json::object begun = begin(world);
  const auto enter = [&](const std::string& code, const std::string& token) {
    return world.ask(Method::kPost, "/login", fmt::format("code={}&token={}", code, token), {}, kStranger);
  };
  CHECK(enter(text(begun, "userCode"), "wbt_wrong").status == 400);
  CHECK(enter("nothing%20like%20it", text(created, "token")).status == 400);
  const net::Response done = enter(text(begun, "userCode"), text(created, "token"));
  CHECK(done.status == 200);
  CHECK(done.body.find("<b>") == std::string::npos);
  CHECK(done.body.find("&lt;b>bert") != std::string::npos);
  const json::object token =
      asked(world, std::string(kDevice) + "/token", {{"deviceCode", text(begun, "deviceCode")}}, 200, {}, kStranger);
  CHECK(user_of(world, text(token, "token")) == "<b>bert");
}

struct Waiting {
  json::object begun;

  explicit Waiting(test::TestWorld& world) : begun(begin(world)) {}
  json::object code() const { return {{"userCode", text(begun, "userCode")}}; }
  json::object wait() const { return {{"deviceCode", text(begun, "deviceCode")}}; }
};

const std::string kApprove = std::string(kDevice) + "/approve";
const std::string kCollect = std::string(kDevice) + "/token";

json::object new_token(test::TestWorld& world, const std::string& user, const std::string& role, int64_t seconds = 0) {
  return asked(world, "/api/v1/tokens", {{"user", user}, {"workspace", "default"}, {"role", role}, {"expiresInSeconds", seconds}},
               201);
}

TEST_CASE("the tokens of a run and of its runner sign nobody in, neither at the route nor on the page") {
  test::TestWorld world;
  const std::string runs = "/api/v1/workspaces/default/tracked-runs";
  asked(world, runs, {{"experiment", "e"}, {"runId", "r"}}, 201);
  // As if it had been started: a token is of one attempt.
  const RunKey key{"default", "r"};
  REQUIRE(sync_wait(world.store->write([&key](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run(key));
    run->attempt = 1;
    return transaction.update_run(*run);
  })));
  const UtcMs later = system_clock().utc_now_ms() + 60'000;
  const Waiting waiting(world);
  const auto tries = [&] {
    for (const access::TokenScope scope : {access::TokenScope::kJob, access::TokenScope::kRunner}) {
      const std::string token = world.signer.issue(key, 1, later, scope).reveal();
      CHECK(world.ask(Method::kPost, kApprove, json::serialize(waiting.code()), token, kStranger).status / 100 == 4);
      const std::string code = text(waiting.begun, "userCode");
      CHECK(world.ask(Method::kPost, "/login", "code=" + code + "&token=" + token, {}, kStranger).status == 400);
      CHECK(world.ask(Method::kPost, "/login", "code=" + code, token, kStranger).status == 400);
    }
  };
  const std::string job = world.signer.issue(key, 1, later).reveal();
  REQUIRE(world.ask(Method::kGet, "/api/v1/whoami", {}, job, kStranger).status == 200);
  tries();
  asked(world, "/api/v1/workspaces/default/runs/r/status", {{"status", "Completed"}}, 200);
  tries();
  CHECK(text(asked(world, kCollect, waiting.wait(), 200, {}, kStranger), "status") == "pending");
}

TEST_CASE("a login that was signed in with a token ends with that token, and is not made once it was revoked") {
  test::TestWorld world;
  const json::object brief = new_token(world, "anna", "contributor", 300);
  const Waiting first(world);
  asked(world, kApprove, first.code(), 200, text(brief, "token"), kStranger);
  CHECK(text(asked(world, kCollect, first.wait(), 200, {}, kStranger), "expiresUtc") == text(brief, "expiresUtc"));
  const Waiting on_page(world);
  const std::string form = fmt::format("code={}&token={}", text(on_page.begun, "userCode"), text(brief, "token"));
  REQUIRE(world.ask(Method::kPost, "/login", form, {}, kStranger).status == 200);
  CHECK(text(asked(world, kCollect, on_page.wait(), 200, {}, kStranger), "expiresUtc") == text(brief, "expiresUtc"));
  const Waiting late(world);
  asked(world, kApprove, late.code(), 200, text(brief, "token"), kStranger);
  REQUIRE(world.ask(Method::kDelete, "/api/v1/tokens/" + text(brief, "id")).status == 204);
  asked(world, kCollect, late.wait(), 403, {}, kStranger);
}

TEST_CASE("a member who was removed, or has less of a role, before the token is collected gets none and is not made one again") {
  test::TestWorld world;
  const std::string member = "/api/v1/workspaces/default/members/anna";
  const std::string token = text(new_token(world, "anna", "contributor"), "token");
  const Waiting demoted(world);
  const Waiting removed(world);
  const Waiting granted(world);
  asked(world, kApprove, demoted.code(), 200, token, kStranger);
  asked(world, kApprove, removed.code(), 200, token, kStranger);
  json::object grant = granted.code();
  grant["user"] = "anna";
  grant["workspace"] = "default";
  asked(world, std::string(kDevice) + "/grant", grant, 200);
  REQUIRE(world.ask(Method::kPut, member, R"({"role":"reader"})").status == 200);
  asked(world, kCollect, demoted.wait(), 403, {}, kStranger);
  REQUIRE(world.ask(Method::kDelete, member).status == 204);
  asked(world, kCollect, removed.wait(), 403, {}, kStranger);
  asked(world, kCollect, granted.wait(), 403, {}, kStranger);
  CHECK(world.ask(Method::kGet, member).status == 404);
}

}  // namespace
