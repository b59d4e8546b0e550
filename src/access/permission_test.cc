#include "access/permission.hh"

#include <doctest/doctest.h>

using namespace werkbank;
using namespace werkbank::access;

namespace {

Identity login(LoginKind kind) {
  Identity identity;
  identity.kind = kind;
  identity.user = "u";
  identity.role = Role::kOwner;
  return identity;
}

Identity token(Role role, std::string workspace) {
  Identity identity = login(LoginKind::kToken);
  identity.role = role;
  identity.workspace = std::move(workspace);
  return identity;
}

Identity run_token(LoginKind kind = LoginKind::kRunToken) {
  Identity identity = login(kind);
  identity.role = Role::kContributor;
  identity.workspace = "w";
  identity.run = {"w", "r"};
  return identity;
}

constexpr Permission kAll[] = {Permission::kPublic,  Permission::kRead, Permission::kWrite,  Permission::kJob,
                               Permission::kContent, Permission::kOwn,  Permission::kRunner, Permission::kLocalOnly};

// What of all permissions is allowed, in the order above: '+' or '-'.
std::string allowed(const Identity& identity, const Subject& subject) {
  std::string text;
  for (const Permission permission : kAll) {
    const Status status = authorize(identity, permission, subject);
    text += status ? '+' : '-';
    if (status) continue;
    const bool nobody = identity.kind == LoginKind::kNobody;
    CHECK(status.error().code == (nobody ? &errors::unauthenticated : &errors::denied));
  }
  return text;
}

const Subject kServer{};
const Subject kHere{"w", "", false};
const Subject kElsewhere{"other", "", false};
const Subject kOwnRun{"w", "r", false};
const Subject kChild{"w", "c", true};
const Subject kStranger{"w", "s", false};
const Subject kSameIdElsewhere{"other", "r", false};
const Subject kDescendantElsewhere{"other", "c", true};

}  // namespace

TEST_CASE("the whole matrix: who may what, where") {
  //                                                                P R W J C O r L
  SUBCASE("nobody") {
    for (const Subject& subject : {kServer, kHere, kOwnRun}) CHECK(allowed(Identity{}, subject) == "+-------");
  }
  SUBCASE("unix socket and no-auth") {
    for (const Subject& subject : {kServer, kHere, kElsewhere, kOwnRun}) {
      CHECK(allowed(login(LoginKind::kUnixSocket), subject) == "++++++-+");
      CHECK(allowed(login(LoginKind::kNoAuth), subject) == "++++++--");
    }
  }
  SUBCASE("login tokens in their workspace") {
    for (const Subject& subject : {kHere, kOwnRun, kChild, kStranger}) {
      CHECK(allowed(token(Role::kReader, "w"), subject) == "++------");
      CHECK(allowed(token(Role::kContributor, "w"), subject) == "+++++---");
      CHECK(allowed(token(Role::kOwner, "w"), subject) == "++++++--");
    }
  }
  SUBCASE("login tokens in another workspace") {
    for (const Role role : {Role::kReader, Role::kContributor, Role::kOwner}) {
      for (const Subject& subject : {kElsewhere, kSameIdElsewhere, kDescendantElsewhere}) {
        CHECK(allowed(token(role, "w"), subject) == "+-------");
      }
      CHECK(allowed(token(role, "w"), kServer) == "++------");
    }
  }
  SUBCASE("login tokens for everything") {
    for (const Subject& subject : {kServer, kHere, kElsewhere, kOwnRun}) {
      CHECK(allowed(token(Role::kReader, "*"), subject) == "++------");
      CHECK(allowed(token(Role::kContributor, "*"), subject) == "+++++---");
      CHECK(allowed(token(Role::kOwner, "*"), subject) == "++++++--");
    }
  }
  SUBCASE("a run's token") {
    CHECK(allowed(run_token(), kServer) == "++------");
    CHECK(allowed(run_token(), kHere) == "++-++---");
    CHECK(allowed(run_token(), kOwnRun) == "+++++---");
    CHECK(allowed(run_token(), kChild) == "+++++---");
    CHECK(allowed(run_token(), kStranger) == "++-++---");
    CHECK(allowed(run_token(), kElsewhere) == "+-------");
    CHECK(allowed(run_token(), kSameIdElsewhere) == "+-------");
    CHECK(allowed(run_token(), kDescendantElsewhere) == "+-------");
  }
  SUBCASE("a runner's token") {
    const Identity runner = run_token(LoginKind::kRunnerToken);
    CHECK(allowed(runner, kServer) == "+-------");
    CHECK(allowed(runner, kHere) == "++--+---");
    CHECK(allowed(runner, kOwnRun) == "++--+-+-");
    for (const Subject& subject : {kChild, kStranger}) CHECK(allowed(runner, subject) == "++--+---");
    for (const Subject& subject : {kElsewhere, kSameIdElsewhere, kDescendantElsewhere})
      CHECK(allowed(runner, subject) == "+-------");
  }
}

TEST_CASE("when a run has ended its token has, too, and its runner only reports") {
  Identity job = run_token();
  Identity runner = run_token(LoginKind::kRunnerToken);
  job.run_ended = runner.run_ended = true;
  for (const Permission permission :
       {Permission::kRead, Permission::kWrite, Permission::kJob, Permission::kContent, Permission::kRunner}) {
    const Status status = authorize(job, permission, kOwnRun);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == &errors::unauthenticated);
    CHECK(authorize(runner, permission, kOwnRun).has_value() == (permission == Permission::kRunner));
  }
}

TEST_CASE("refusals say what is missing") {
  Identity nobody;
  nobody.refusal = "the token has expired";
  CHECK(authorize(nobody, Permission::kRead, kHere).error().message == "the token has expired");
  const Status status = authorize(token(Role::kReader, "w"), Permission::kOwn, kHere);
  CHECK(status.error().message.find("the role owner in workspace \"w\"") != std::string::npos);
}

TEST_CASE("roles are written and read") {
  for (const Role role : {Role::kReader, Role::kContributor, Role::kOwner}) CHECK(parse_role(to_string(role)) == role);
  CHECK_FALSE(parse_role("Owner"));
}
