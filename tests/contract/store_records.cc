// The contract of store/store.hh, run against every implementation: what hangs on runs and workspaces, and events.
#include <atomic>

#include "support/store_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

TEST_CASE_TEMPLATE("attempts and artifacts hang on their run", World, ALL_STORES) {
  World world;
  const Experiment experiment = make_experiment(*world.store);
  create(*world.store, new_run(experiment, "r"));
  create(*world.store, new_run(experiment, "other"));
  const RunKey key{"default", "r"};
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_attempt({.run = key, .number = 2, .lease = "l2"}));
    CHECK_OK(t.put_attempt({.run = key, .number = 1, .lease = "old"}));
    CHECK_OK(t.put_attempt({.run = key, .number = 1, .lease = "l1", .target = "local", .handle = {{"pid", 7}}, .started_ms = 4}));
    for (const char* path : {"outputs/b", "outputs/a", "outputs0", "outputs", "logs/x"}) {
      CHECK_OK(t.put_artifact({.run = key, .path = path, .hash = "h", .size_bytes = 1}));
    }
    return t.put_artifact({.run = {"default", "other"}, .path = "outputs/c"});
  }));
  must(do_write(*world.store, [&](Transaction& t) {
    return t.put_artifact(
        {.run = key, .path = "outputs/a", .hash = "h2", .size_bytes = 1ULL << 40, .attempt = 2, .rank = 1, .modified_ms = 8});
  }));
  const auto attempts = get<std::vector<Attempt>>(*world.store, [&](Reader& r) { return r.attempts(key); });
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].lease == "l1");
  CHECK(attempts[0].handle == json::object{{"pid", 7}});
  CHECK(attempts[1].number == 2);
  const auto paths = [&](const std::string& prefix) {
    std::vector<std::string> found;
    for (const Artifact& artifact :
         get<std::vector<Artifact>>(*world.store, [&](Reader& r) { return r.artifacts(key, prefix); })) {
      found.push_back(artifact.path);
    }
    return found;
  };
  CHECK(paths("outputs/") == std::vector<std::string>{"outputs/a", "outputs/b"});
  CHECK(paths("").size() == 5);
  CHECK(paths("\xff").empty());
  const auto artifact = get<std::optional<Artifact>>(*world.store, [&](Reader& r) { return r.artifact(key, "outputs/a"); });
  REQUIRE(artifact);
  CHECK(artifact->hash == "h2");
  CHECK(artifact->size_bytes == 1ULL << 40);
  CHECK(artifact->rank == 1);
  must(do_write(*world.store, [&](Transaction& t) { return t.delete_artifact(key, "outputs/a"); }));
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.delete_artifact(key, "outputs/a"); })) == "not_found");
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.put_artifact({.run = {"default", "no"}, .path = "x"}); })) ==
        "run_not_found");
  must(do_write(*world.store, [&](Transaction& t) { return t.purge_run(key); }));
  CHECK(!find(*world.store, "r"));
  CHECK(paths("").empty());
  CHECK(get<std::vector<Attempt>>(*world.store, [&](Reader& r) { return r.attempts(key); }).empty());
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.purge_run(key); })) == "run_not_found");
}

TEST_CASE_TEMPLATE("events come in one order, and their listener hears of every durable one", World, ALL_STORES) {
  World world;
  std::atomic<int64_t> heard = 0;
  world.store->on_events([&](const std::vector<RunEvent>& events) { heard = events.back().cursor; });
  int64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    last = put<int64_t>(*world.store, [i](Transaction& t) {
      return t.append_event(
          {.workspace = i % 2 == 0 ? "even" : "odd", .run_id = "r", .type = "run.status", .at_ms = i, .data = {{"i", i}}});
    });
    CHECK(heard == last);
  }
  const auto after = [&](int64_t cursor, const std::string& workspace, int64_t limit) {
    std::vector<int64_t> found;
    for (const RunEvent& event :
         get<std::vector<RunEvent>>(*world.store, [&](Reader& r) { return r.events_after(cursor, workspace, limit); })) {
      found.push_back(event.data.at("i").as_int64());
    }
    return found;
  };
  CHECK(after(0, "", 100) == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(after(0, "even", 2) == std::vector<int64_t>{0, 2});
  CHECK(after(last, "", 100).empty());
  world.store->on_events({});
  world.reopen();
  CHECK(get<int64_t>(*world.store, [](Reader& r) { return r.last_event_cursor(); }) == last);
  const int64_t next =
      put<int64_t>(*world.store, [](Transaction& t) { return t.append_event({.workspace = "even", .type = "x"}); });
  CHECK(next > last);
}

TEST_CASE_TEMPLATE("an idempotency key belongs to its first request", World, ALL_STORES) {
  World world;
  const IdempotencyRecord record{"default", "key", "hash", "answer", 1};
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency(record); }));
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"default", "key", "hash", "later answer", 2}); }));
  CHECK(code(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"default", "key", "other", "a", 2}); })) ==
        "idempotency_conflict");
  must(do_write(*world.store, [&](Transaction& t) { return t.put_idempotency({"elsewhere", "key", "other", "a", 2}); }));
  const auto found =
      get<std::optional<IdempotencyRecord>>(*world.store, [](Reader& r) { return r.idempotency("default", "key"); });
  REQUIRE(found);
  CHECK(found->answer == "answer");
}

TEST_CASE_TEMPLATE("tokens, members, secrets and settings are kept and deleted", World, ALL_STORES) {
  World world;
  const std::string sealed("\0\x01\xff", 3);
  must(do_write(*world.store, [&](Transaction& t) -> Status {
    CHECK_OK(t.put_token({.id = "t1", .hash = "h1", .user = "ada", .workspace = "*", .role = Role::kOwner, .created_ms = 2}));
    CHECK_OK(t.put_token({.id = "t2", .hash = "h2", .user = "bob", .workspace = "w", .created_ms = 1, .expires_ms = 9}));
    CHECK_OK(t.put_member({"w", "bob", Role::kReader}));
    CHECK_OK(t.put_member({"w", "bob", Role::kContributor}));
    CHECK_OK(t.put_secret({"w", "s", sealed, 4}));
    CHECK_OK(t.put_setting("instance", "old"));
    return t.put_setting("instance", "id");
  }));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.put_token({.id = "t3", .hash = "h1"}); })) == "already_exists");
  world.reopen();
  Store& store = *world.store;
  CHECK(get<std::optional<TokenRecord>>(store, [](Reader& r) { return r.token_by_hash("h1"); })->role == Role::kOwner);
  CHECK(get<std::vector<TokenRecord>>(store, [](Reader& r) { return r.tokens(); }).front().id == "t2");
  CHECK(get<std::optional<MemberRecord>>(store, [](Reader& r) { return r.member("w", "bob"); })->role == Role::kContributor);
  CHECK(get<std::vector<MemberRecord>>(store, [](Reader& r) { return r.members("w"); }).size() == 1);
  CHECK(get<std::optional<SecretRecord>>(store, [](Reader& r) { return r.secret("w", "s"); })->sealed == sealed);
  CHECK(get<std::vector<SecretRecord>>(store, [](Reader& r) { return r.secrets("w"); }).size() == 1);
  CHECK(get<std::optional<std::string>>(store, [](Reader& r) { return r.setting("instance"); }) == "id");
  must(do_write(store, [](Transaction& t) -> Status {
    CHECK_OK(t.delete_token("t1"));
    CHECK_OK(t.delete_member("w", "bob"));
    return t.delete_secret("w", "s");
  }));
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_token("t1"); })) == "not_found");
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_member("w", "bob"); })) == "not_found");
  CHECK(code(do_write(store, [](Transaction& t) { return t.delete_secret("w", "s"); })) == "not_found");
}

TEST_CASE_TEMPLATE("deleting a workspace takes everything in it along, and nothing else", World, ALL_STORES) {
  World world;
  const Experiment gone = make_experiment(*world.store, "a", "gone");
  const Experiment kept = make_experiment(*world.store, "a", "kept");
  Run run = new_run(gone, "r");
  run.tags = {{"t", "v"}};
  create(*world.store, run);
  create(*world.store, new_run(kept, "r"));
  must(do_write(*world.store, [](Transaction& t) -> Status {
    CHECK_OK(t.put_artifact({.run = {"gone", "r"}, .path = "outputs/a"}));
    return t.delete_workspace("gone");
  }));
  CHECK(list(*world.store, {.workspace = "gone"}).empty());
  CHECK(list(*world.store, {.workspace = "gone", .tags = {{"t", ""}}}).empty());
  CHECK(list(*world.store, {.workspace = "kept"}).size() == 1);
  CHECK(!get<std::optional<Experiment>>(*world.store, [&](Reader& r) { return r.experiment_by_id(gone.id); }));
  CHECK(code(do_write(*world.store, [](Transaction& t) { return t.delete_workspace("gone"); })) == "workspace_not_found");
}
