// Every route × every kind of login, made from the route table: a new route is in this test by being in the table.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "access/tokens.hh"
#include "support/test_world.hh"

using namespace werkbank;
using access::Permission;

namespace {

enum class Answer { kAllowed, kUnauthenticated, kDenied };

struct Login {
  std::string name;
  std::string token;
  net::Peer peer{false, 0, "127.0.0.1:9"};
};

std::string add_token(test::TestWorld& world, const std::string& user, const std::string& workspace, Role role,
                      UtcMs expires_ms) {
  const Secret text = access::new_token();
  store::TokenRecord record;
  record.id = user;
  record.user = user;
  record.hash = access::hash_token(text.reveal());
  record.workspace = workspace;
  record.role = role;
  record.expires_ms = expires_ms;
  const Status written = sync_wait(world.store->write([record](store::Transaction& transaction) -> Status {
    CHECK_OK(transaction.put_member({record.workspace, record.user, record.role}));
    return transaction.put_token(record);
  }));
  REQUIRE(written.has_value());
  return text.reveal();
}

Run add_run(test::TestWorld& world, const std::string& id, const std::string& parent) {
  const net::Response made = world.ask(net::Method::kPost, "/api/v1/workspaces/default/tracked-runs",
                                       fmt::format(R"({{"experiment":"e","runId":"{}","parentRunId":"{}"}})", id, parent));
  REQUIRE(made.status == 201);
  // As the engine leaves it after a placement: tokens are made for an attempt.
  const Status begun = sync_wait(world.store->write([id](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run({"default", id}));
    run->attempt = 1;
    return transaction.update_run(*run);
  }));
  REQUIRE(begun.has_value());
  return {};
}

std::string target_of(std::string_view pattern, const std::string& run) {
  std::string target(pattern);
  const auto fill = [&target](std::string_view placeholder, const std::string& value) {
    for (size_t at = target.find(placeholder); at != std::string::npos; at = target.find(placeholder))
      target.replace(at, placeholder.size(), value);
  };
  fill("{workspace}", "default");
  fill("{run}", run);
  fill("{path...}", "some/file");
  for (size_t open = target.find('{'); open != std::string::npos; open = target.find('{')) {
    target.replace(open, target.find('}') - open + 1, "some-name");
  }
  return target;
}

Answer answer_of(const net::Response& response) {
  return response.status == 401 ? Answer::kUnauthenticated : response.status == 403 ? Answer::kDenied : Answer::kAllowed;
}

bool names_workspace(const api::Route& route) { return route.pattern.find("{workspace}") != std::string_view::npos; }
bool names_run(const api::Route& route) { return route.pattern.find("{run}") != std::string_view::npos; }

// The rules in words of their own, not by the function under test.
Answer expected(const api::Route& route, const std::string& login) {
  const Permission need = route.permission;
  if (need == Permission::kPublic) return Answer::kAllowed;
  if (login == "nobody" || login == "expired" || login == "forged") return Answer::kUnauthenticated;
  if (login == "other uid") return Answer::kUnauthenticated;
  if (login == "socket") return need == Permission::kRunner ? Answer::kDenied : Answer::kAllowed;
  if (need == Permission::kLocalOnly) return Answer::kDenied;
  if (login == "run token") {
    if (need == Permission::kRead) return Answer::kAllowed;
    if (need == Permission::kWrite) return names_run(route) ? Answer::kAllowed : Answer::kDenied;
    return need == Permission::kJob || need == Permission::kContent ? Answer::kAllowed : Answer::kDenied;
  }
  if (login == "other run's token") {
    if (need == Permission::kRead || need == Permission::kJob || need == Permission::kContent) return Answer::kAllowed;
    return Answer::kDenied;
  }
  if (login == "its runner" || login == "other run's runner") {
    if (need == Permission::kRunner) return login == "its runner" ? Answer::kAllowed : Answer::kDenied;
    return names_workspace(route) && (need == Permission::kRead || need == Permission::kContent) ? Answer::kAllowed
                                                                                                 : Answer::kDenied;
  }
  if (need == Permission::kRunner) return Answer::kDenied;
  if (login == "other workspace")
    return need == Permission::kRead && !names_workspace(route) ? Answer::kAllowed : Answer::kDenied;
  // The three roles hold in the workspace default only.
  if (!names_workspace(route)) return need == Permission::kRead ? Answer::kAllowed : Answer::kDenied;
  if (login == "reader") return need == Permission::kRead ? Answer::kAllowed : Answer::kDenied;
  if (login == "contributor") return need == Permission::kOwn ? Answer::kDenied : Answer::kAllowed;
  return Answer::kAllowed;  // owner
}

// A job that asks for a run outside its family is denied by the handler, after the permission.
bool handler_decides(const api::Route& route, const std::string& login) {
  if (api::is_v1_route(route) && route.method == net::Method::kPatch) return login.ends_with("token");
  return (route.pattern.ends_with("/tracked-runs") || (route.pattern.ends_with("/runs") && route.method == net::Method::kPost)) &&
         login.ends_with("token");
}

}  // namespace

TEST_CASE("every route answers every login as its permission says") {
  size_t checked = 0;
  for (const api::Route& route : api::all_routes()) {
    // A world for each route: deleting handlers must not change what the next one meets.
    test::TestWorld world;
    add_run(world, "mine", "");
    add_run(world, "foreign", "");
    const UtcMs later = system_clock().utc_now_ms() + 3'600'000;
    const std::vector<Login> logins{
        {"nobody", ""},
        {"forged", "wbt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"expired", add_token(world, "late", "default", Role::kOwner, 1)},
        {"other workspace", add_token(world, "elsewhere", "other", Role::kOwner, 0)},
        {"run token", world.signer.issue({"default", "mine"}, 1, later).reveal()},
        {"other run's token", world.signer.issue({"default", "foreign"}, 1, later).reveal()},
        {"its runner", world.signer.issue({"default", "mine"}, 1, later, access::TokenScope::kRunner).reveal()},
        {"other run's runner", world.signer.issue({"default", "foreign"}, 1, later, access::TokenScope::kRunner).reveal()},
        {"other uid", "", {true, 1001, ""}},
        {"reader", add_token(world, "reads", "default", Role::kReader, later)},
        {"contributor", add_token(world, "writes", "default", Role::kContributor, later)},
        {"owner", add_token(world, "owns", "default", Role::kOwner, later)},
        {"socket", "", {true, 1000, ""}},
    };
    for (const Login& login : logins) {
      if (handler_decides(route, login.name)) continue;
      // An earlier login may have deleted what this route is about; then "not found" is an allowed answer, too.
      const net::Response response = world.ask(route.method, target_of(route.pattern, "mine"), "{}", login.token, login.peer);
      CAPTURE(route.pattern);
      CAPTURE(net::to_string(route.method));
      CAPTURE(login.name);
      CAPTURE(response.body);
      CHECK(static_cast<int>(answer_of(response)) == static_cast<int>(expected(route, login.name)));
      ++checked;
    }
  }
  CHECK(checked > 500);
}

TEST_CASE("a job makes child runs of its own run only") {
  test::TestWorld world;
  add_run(world, "mine", "");
  add_run(world, "child", "mine");
  add_run(world, "foreign", "");
  const std::string token = world.signer.issue({"default", "mine"}, 1, system_clock().utc_now_ms() + 60'000).reveal();
  const net::Peer tcp{false, 0, "127.0.0.1:9"};
  const auto create = [&](const std::string& parent) {
    return world
        .ask(net::Method::kPost, "/api/v1/workspaces/default/tracked-runs",
             fmt::format(R"({{"experiment":"e","parentRunId":"{}"}})", parent), token, tcp)
        .status;
  };
  CHECK(create("mine") == 201);
  CHECK(create("child") == 201);
  CHECK(create("foreign") == 403);
  CHECK(create("") == 403);
}

TEST_CASE("a run's token ends with the run, and with its attempt") {
  test::TestWorld world;
  add_run(world, "mine", "");
  const net::Peer tcp{false, 0, "127.0.0.1:9"};
  const UtcMs later = system_clock().utc_now_ms() + 60'000;
  const std::string token = world.signer.issue({"default", "mine"}, 1, later).reveal();
  const std::string other_attempt = world.signer.issue({"default", "mine"}, 7, later).reveal();
  const auto look = [&](const std::string& with) { return world.ask(net::Method::kGet, "/api/v1/whoami", "", with, tcp).status; };
  CHECK(look(token) == 200);
  CHECK(look(other_attempt) == 401);
  CHECK(look(world.signer.issue({"default", "none"}, 1, later).reveal()) == 401);
  const std::string status = "/api/v1/workspaces/default/runs/mine/status";
  REQUIRE(world.ask(net::Method::kPost, status, R"({"status":"Completed"})").status == 200);
  CHECK(look(token) == 401);
}

namespace {

int status_of(test::TestWorld& world, const std::string& host, const std::string& origin) {
  net::Request request;
  request.path = request.target = "/api/v1/workspaces";
  request.segments = {"api", "v1", "workspaces"};
  if (!host.empty()) request.headers["host"] = host;
  if (!origin.empty()) request.headers["origin"] = origin;
  test::TextBody body("");
  request.body = &body;
  api::Router router(*world.api);
  return sync_wait(router.answer(request)).status;
}

}  // namespace

TEST_CASE("foreign hosts and origins are refused on TCP, also without authentication") {
  test::TestWorld world;
  world.facts.no_auth = true;
  world.facts.allowed_hosts = {"bank.example", "odd.example:8443"};
  const std::tuple<const char*, const char*, int> cases[] = {{"evil.example", "", 403},
                                                             {"", "", 403},
                                                             {"localhost:8765", "", 200},
                                                             {"127.0.0.1", "", 200},
                                                             {"[::1]:8765", "", 200},
                                                             {"Bank.example", "", 200},
                                                             {"localhost", "http://evil.example", 403},
                                                             {"localhost", "null", 403},
                                                             {"localhost:8765", "http://localhost:8765", 200},
                                                             {"localhost:8765", "http://127.0.0.1:8765", 200},
                                                             {"[::1]:8765", "http://[::1]:8765", 200},
                                                             {"localhost", "http://localhost", 200},
                                                             {"localhost:443", "https://localhost", 200},
                                                             {"localhost:8765", "http://localhost:3000", 403},
                                                             {"localhost:8765", "http://localhost", 403},
                                                             {"localhost", "http://localhost:3000", 403},
                                                             {"localhost:8765", "ftp://localhost:8765", 403},
                                                             {"localhost:8765", "http://localhost:8765.evil.example", 403},
                                                             {"localhost:8765", "http://evil.example:8765", 403},
                                                             {"localhost:8765", "https://bank.example", 200},
                                                             {"bank.example:8765", "https://bank.example:8765", 200},
                                                             {"localhost:8765", "https://bank.example:3000", 403},
                                                             {"localhost:8765", "https://odd.example:8443", 200},
                                                             {"localhost:8765", "https://odd.example", 403}};
  for (const auto& [host, origin, status] : cases) {
    CAPTURE(host);
    CAPTURE(origin);
    CHECK(status_of(world, host, origin) == status);
  }
}
