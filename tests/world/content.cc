// Content of workspaces that share one store of blobs: who may have what, what is collected, what a deleted workspace leaves.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "access/tokens.hh"
#include "base/files.hh"
#include "content/snapshot_store.hh"
#include "lifecycle/garbage.hh"
#include "lifecycle/workspace_removal.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

std::string of(const std::string& workspace, const std::string& rest) { return "/api/v1/workspaces/" + workspace + rest; }

json::value document(const net::Response& response) {
  CAPTURE(response.body);
  REQUIRE(response.status < 300);
  return json::parse(response.body);
}

std::string manifest_of(const std::map<std::string, std::string>& files) {
  SnapshotManifest manifest;
  for (const auto& [path, bytes] : files) manifest.entries.push_back({path, Hash::of(bytes), bytes.size(), false});
  return manifest.to_text();
}

// Sends a folder as clients do; answers the snapshot's id.
std::string send_snapshot(test::TestWorld& world, const std::string& workspace, const std::map<std::string, std::string>& files) {
  for (const auto& [path, bytes] : files) {
    REQUIRE(world.ask(Method::kPut, of(workspace, "/blobs/" + Hash::of(bytes).hex()), bytes).status == 201);
  }
  const json::value answer = document(world.ask(Method::kPost, of(workspace, "/snapshots"), manifest_of(files)));
  REQUIRE(answer.at("missing").as_array().empty());
  return std::string(answer.at("snapshotId").as_string());
}

int track(test::TestWorld& world, const std::string& workspace, const std::string& id, const std::string& snapshot = {}) {
  return world
      .ask(Method::kPost, of(workspace, "/tracked-runs"),
           fmt::format(R"({{"experiment":"e","runId":"{}","snapshotId":"{}"}})", id, snapshot))
      .status;
}

lifecycle::Garbage collect(test::TestWorld& world, lifecycle::GarbageRules rules) {
  auto garbage = sync_wait(lifecycle::collect_garbage(world.engine->services(), world.holdings, rules));
  REQUIRE(garbage.has_value());
  return *garbage;
}

lifecycle::GarbageRules at_once() {
  lifecycle::GarbageRules rules;
  rules.blob_grace_ms = rules.snapshot_grace_ms = rules.event_age_ms = rules.key_age_ms = -60'000;  // younger than now is old
  return rules;
}

// Calls what a test wants to happen while the logs of a run are removed.
class WatchedLogs final : public content::LogStore {
 public:
  WatchedLogs(content::LogStore& logs, std::function<Status(const RunKey&)> on_remove)
      : logs_(logs), on_remove_(std::move(on_remove)) {}
  Task<Result<uint64_t>> append(content::LogKey key, uint64_t offset, std::string bytes) override {
    return logs_.append(std::move(key), offset, std::move(bytes));
  }
  Result<uint64_t> size(const content::LogKey& key) override { return logs_.size(key); }
  Result<std::string> read(const content::LogKey& key, uint64_t offset, uint64_t size_max) override {
    return logs_.read(key, offset, size_max);
  }
  Result<std::vector<content::LogInfo>> list(const RunKey& run) override { return logs_.list(run); }
  Status remove_run(const RunKey& run) override {
    CHECK_OK(on_remove_(run));
    return logs_.remove_run(run);
  }
  Status scrub() override { return logs_.scrub(); }
  void on_append(std::function<void(const content::LogKey&, uint64_t)>) override {}
  void close() override {}

 private:
  content::LogStore& logs_;
  std::function<Status(const RunKey&)> on_remove_;
};

lifecycle::Services with_logs(test::TestWorld& world, content::LogStore& logs) {
  return {system_clock(),          *world.store, *world.series, *world.blobs, logs,           world.planner,
          world.targets,           world.signer, *world.vault,  world.pool,   world.builders, {"unix:///none", "", ""},
          world.environment_builds};
}

bool is_there(test::TestWorld& world, const std::string& bytes) { return world.blobs->size(Hash::of(bytes)).has_value(); }

}  // namespace

TEST_CASE("who only knows a hash has neither the bytes nor the saving of an upload") {
  test::TestWorld world;
  const std::string secret = "the bytes of workspace other";
  const std::string hash = Hash::of(secret).hex();
  const std::string theirs = send_snapshot(world, "other", {{"train.py", secret}});
  const auto get = [&](const std::string& workspace, const std::string& rest) {
    return world.ask(Method::kGet, of(workspace, rest)).status;
  };
  CHECK(get("other", "/blobs/" + hash) == 200);
  CHECK(get("other", "/snapshots/" + theirs) == 200);
  CHECK(get("other", "/snapshots/" + theirs + "/files/train.py") == 200);
  CHECK(get("default", "/blobs/" + hash) == 404);
  CHECK(get("default", "/snapshots/" + theirs) == 404);
  CHECK(get("default", "/snapshots/" + theirs + "/files/train.py") == 404);
  CHECK(track(world, "default", "a", theirs) == 404);
  CHECK(world
            .ask(Method::kPost, of("default", "/runs"),
                 fmt::format(R"({{"experiment":"e","spec":{{"script":"train.py","snapshotId":"{}"}}}})", theirs))
            .status == 404);

  // A manifest that names it does not help: the bytes have to be brought. Nor does a size tell whether it is there.
  SnapshotManifest lie;
  lie.entries.push_back({"train.py", Hash::of(secret), secret.size() + 1, false});
  const json::value refused = document(world.ask(Method::kPost, of("default", "/snapshots"), lie.to_text()));
  CHECK(refused.at("missing").as_array() == json::array{hash});
  REQUIRE(track(world, "default", "mine") == 201);
  CHECK(world.ask(Method::kPost, of("default", "/runs/mine/files/outputs/x?hash=" + hash)).status == 404);

  CHECK(send_snapshot(world, "default", {{"train.py", secret}}) == theirs);
  CHECK(get("default", "/blobs/" + hash) == 200);
  CHECK(track(world, "default", "b", theirs) == 201);
  CHECK(world.ask(Method::kPost, of("default", "/runs/mine/files/outputs/x?hash=" + hash)).status == 201);
}

TEST_CASE("garbage is what no run and no snapshot in use names") {
  test::TestWorld world;
  const std::string kept = send_snapshot(world, "default", {{"a.py", "kept"}, {"b.py", "shared"}});
  send_snapshot(world, "default", {{"a.py", "dropped"}, {"b.py", "shared"}});
  REQUIRE(track(world, "default", "r", kept) == 201);
  REQUIRE(world.ask(Method::kPut, of("default", "/runs/r/files/outputs/model"), "model").status == 201);
  REQUIRE(world.ask(Method::kPut, of("default", "/blobs/" + Hash::of("stray").hex()), "stray").status == 201);

  SUBCASE("nothing young is touched") {
    CHECK(collect(world, {}).blobs == 0);
    CHECK(is_there(world, "stray"));
  }
  SUBCASE("a dry run only counts") {
    lifecycle::GarbageRules rules = at_once();
    rules.dry_run = true;
    const lifecycle::Garbage garbage = collect(world, rules);
    CHECK(garbage.blobs == 3);  // "dropped", its manifest, "stray"
    CHECK(garbage.blob_bytes > 12);
    CHECK(is_there(world, "stray"));
    CHECK(document(world.ask(Method::kPost, "/api/v1/server/gc", R"({"dryRun":true})")).at("dryRun").as_bool());
  }
  SUBCASE("what is left is whole, and what went can be brought again") {
    const lifecycle::Garbage garbage = collect(world, at_once());
    CHECK(garbage.blobs == 3);
    CHECK(garbage.snapshots == 1);
    CHECK(garbage.events > 0);
    CHECK_FALSE(is_there(world, "dropped"));
    CHECK_FALSE(is_there(world, "stray"));
    for (const char* bytes : {"kept", "shared", "model"}) CHECK(is_there(world, bytes));
    CHECK(world.ask(Method::kGet, of("default", "/snapshots/" + kept + "/files/b.py")).body == "shared");
    const json::value missing =
        document(world.ask(Method::kPost, of("default", "/snapshots"), manifest_of({{"a.py", "dropped"}, {"b.py", "shared"}})));
    CHECK(missing.at("missing").as_array() == json::array{Hash::of("dropped").hex()});
    send_snapshot(world, "default", {{"a.py", "dropped"}});
    CHECK(is_there(world, "dropped"));
  }
  SUBCASE("runs in the trash go for good when that is asked for") {
    REQUIRE(world.ask(Method::kDelete, of("default", "/runs/r")).status == 204);
    CHECK(collect(world, at_once()).runs == 0);
    CHECK(is_there(world, "model"));
    lifecycle::GarbageRules rules = at_once();
    rules.empty_trash = true;
    CHECK(collect(world, rules).runs == 1);
    CHECK_FALSE(is_there(world, "model"));
    CHECK(world.ask(Method::kGet, of("default", "/runs/r")).status == 404);
  }
}

TEST_CASE("what was brought stays brought when other blobs go") {
  test::TestWorld world;
  const auto bring = [&](const std::string& workspace, const std::string& bytes) {
    REQUIRE(world.ask(Method::kPut, of(workspace, "/blobs/" + Hash::of(bytes).hex()), bytes).status == 201);
  };
  const auto has = [&](const std::string& workspace, const std::string& bytes) {
    return world.ask(Method::kGet, of(workspace, "/blobs/" + Hash::of(bytes).hex())).status == 200;
  };
  bring("default", "output");
  bring("default", "stray");
  bring("other", "stray");
  SUBCASE("garbage was collected") {
    REQUIRE(track(world, "other", "theirs") == 201);
    REQUIRE(world.ask(Method::kPut, of("other", "/runs/theirs/files/outputs/x"), "output").status == 201);  // keeps the bytes
    CHECK(collect(world, at_once()).blobs == 1);
    CHECK_FALSE(has("default", "stray"));
    CHECK(world.holdings.unsettled("default") == std::vector<Hash>{Hash::of("output")});
    CHECK(world.holdings.unsettled("other").empty());
  }
  SUBCASE("another workspace was deleted") {
    REQUIRE(world.ask(Method::kDelete, of("other", "")).status == 204);
    CHECK(has("default", "stray"));
  }
  SUBCASE("the server was stopped in order") {
    REQUIRE(sync_wait(world.holdings.settle("")).has_value());
    lifecycle::Holdings next(*world.store);
    CHECK(next.holds("default", Hash::of("output")).value());
    CHECK(next.holds("other", Hash::of("stray")).value());
  }
  CHECK(has("default", "output"));
  REQUIRE(track(world, "default", "r") == 201);
  CHECK(world.ask(Method::kPost, of("default", "/runs/r/files/outputs/x?hash=" + Hash::of("output").hex())).status == 201);
}

TEST_CASE("a deleted workspace takes along what only it has, and leaves what others have") {
  test::TestWorld world;
  const std::string snapshot = send_snapshot(world, "other", {{"a.py", "own code"}, {"b.py", "common code"}});
  send_snapshot(world, "default", {{"b.py", "common code"}});
  REQUIRE(track(world, "other", "r", snapshot) == 201);
  REQUIRE(world.ask(Method::kPut, of("other", "/runs/r/files/outputs/model"), "own model").status == 201);
  REQUIRE(world.ask(Method::kPut, of("other", "/secrets/key"), R"({"value":"v"})").status == 200);
  REQUIRE(world.ask(Method::kPost, of("other", "/runs/r/metrics?writer=w"), "").status == 200);
  const content::LogKey log{{"other", "r"}, 1, 0, "logs/a.txt"};
  REQUIRE(sync_wait(world.logs->append(log, 0, "twelve bytes")).has_value());

  const json::value contents = document(world.ask(Method::kGet, of("other", "/contents")));
  CHECK(contents.at("runs").as_int64() == 1);
  CHECK(contents.at("secrets").as_int64() == 1);
  CHECK(contents.at("logBytes").to_number<int64_t>() == 12);
  const size_t manifest_bytes = manifest_of({{"a.py", "own code"}, {"b.py", "common code"}}).size();
  CHECK(contents.at("blobBytes").to_number<uint64_t>() ==
        std::string("own code").size() + std::string("own model").size() + manifest_bytes);
  CHECK(is_there(world, "own code"));

  REQUIRE(world.ask(Method::kDelete, of("other", "")).status == 204);
  CHECK(world.ask(Method::kGet, of("other", "/contents")).status == 404);
  CHECK(world.ask(Method::kDelete, of("other", "")).status == 404);
  CHECK_FALSE(is_there(world, "own code"));
  CHECK_FALSE(is_there(world, "own model"));
  CHECK(is_there(world, "common code"));
  CHECK(world.logs->list({"other", "r"})->empty());
  // A workspace of the same name begins with nothing.
  Workspace again;
  again.name = "other";
  world.put(again);
  CHECK(document(world.ask(Method::kGet, of("other", "/contents"))).at("totalBytes").to_number<uint64_t>() == 0);
  CHECK(world.ask(Method::kGet, of("other", "/blobs/" + Hash::of("common code").hex())).status == 404);
  CHECK(world.ask(Method::kDelete, of("default", "")).status == 400);
}

TEST_CASE("nothing comes into a workspace that is being deleted, and what others bring meanwhile stays") {
  test::TestWorld world;
  const std::string snapshot = send_snapshot(world, "other", {{"a.py", "own code"}, {"b.py", "brought by another meanwhile"}});
  REQUIRE(track(world, "other", "r") == 201);
  int tracked = 0, submitted = 0, created = 0, experiment = 0, brought = 0;
  WatchedLogs logs(*world.logs, [&](const RunKey&) -> Status {
    if (tracked != 0) return {};
    tracked = track(world, "other", "late");
    const std::string body = fmt::format(R"({{"experiment":"e","spec":{{"script":"a.py","snapshotId":"{}"}}}})", snapshot);
    submitted = world.ask(Method::kPost, of("other", "/runs"), body).status;
    created = world.ask(Method::kPost, "/api/v1/workspaces", R"({"name":"other","existOk":true})").status;
    experiment = world.ask(Method::kPost, of("other", "/experiments"), R"({"name":"new"})").status;
    const std::string bytes = "brought by another meanwhile";
    brought = world.ask(Method::kPut, of("default", "/blobs/" + Hash::of(bytes).hex()), bytes).status;
    return {};
  });
  lifecycle::Services services = with_logs(world, logs);
  const Status removed = sync_wait(lifecycle::remove_workspace(services, world.holdings, "other"));
  REQUIRE(removed.has_value());
  CHECK(tracked == 404);
  CHECK(submitted == 404);
  CHECK(created == 404);
  CHECK(experiment == 404);
  CHECK(brought == 201);
  CHECK_FALSE(is_there(world, "own code"));
  CHECK(is_there(world, "brought by another meanwhile"));
  CHECK(world.ask(Method::kPost, "/api/v1/workspaces", R"({"name":"other"})").status == 201);
  CHECK(track(world, "other", "r") == 201);
}

TEST_CASE("a workspace whose deletion failed is closed until it is deleted again") {
  test::TestWorld world;
  REQUIRE(track(world, "other", "r") == 201);
  WatchedLogs logs(*world.logs, [](const RunKey&) -> Status { return fail(errors::io_failed, "the disk failed"); });
  lifecycle::Services services = with_logs(world, logs);
  CHECK_FALSE(sync_wait(lifecycle::remove_workspace(services, world.holdings, "other")).has_value());
  CHECK(world.ask(Method::kGet, of("other", "")).status == 404);
  CHECK(track(world, "other", "late") == 404);
  CHECK(track(world, "default", "r") == 201);
  REQUIRE(world.ask(Method::kDelete, of("other", "")).status == 204);
  CHECK(world.ask(Method::kPost, "/api/v1/workspaces", R"({"name":"other"})").status == 201);
  CHECK(track(world, "other", "r") == 201);
}

TEST_CASE("a run whose end was broken off goes with the next collection, and never comes back") {
  test::TestWorld world;
  REQUIRE(track(world, "default", "r") == 201);
  REQUIRE(sync_wait(world.logs->append({{"default", "r"}, 1, 0, "logs/a.txt"}, 0, "twelve bytes")).has_value());
  REQUIRE(world.ask(Method::kDelete, of("default", "/runs/r")).status == 204);
  int restored = 0;
  WatchedLogs logs(*world.logs, [&](const RunKey&) -> Status {
    restored = world.ask(Method::kPost, of("default", "/runs/r/restore")).status;
    return fail(errors::io_failed, "the disk failed");
  });
  lifecycle::Services services = with_logs(world, logs);
  lifecycle::GarbageRules rules = at_once();
  rules.empty_trash = true;
  CHECK_FALSE(sync_wait(lifecycle::collect_garbage(services, world.holdings, rules)).has_value());
  CHECK(restored == 404);
  // As after a crash: the record still says that there is something to remove.
  CHECK(document(world.ask(Method::kGet, of("default", "/runs/r"))).at("stage").as_string() == "deleted");
  CHECK(world.ask(Method::kPost, of("default", "/runs/r/restore")).status == 404);
  CHECK(track(world, "default", "r") == 409);
  CHECK(collect(world, rules).runs == 1);
  CHECK(world.logs->list({"default", "r"})->empty());
  CHECK(track(world, "default", "r") == 201);
}

TEST_CASE("copies of the records that hold a deleted workspace go even where no new one can be made") {
  test::TestWorld world;
  lifecycle::HousekeepingConfig config;
  config.backup_folder = world.folder / "backups";
  std::filesystem::create_directories(config.backup_folder);
  const std::filesystem::path old = config.backup_folder / "werkbank-20200101T000000-ab.db";
  REQUIRE(write_file_atomically(old, "records of workspace other").has_value());
  lifecycle::Housekeeping housekeeping(world.engine->services(), world.holdings, config);
  // A store in memory cannot be copied.
  CHECK_FALSE(sync_wait(housekeeping.remove_workspace("other")).has_value());
  CHECK(world.ask(Method::kGet, of("other", "")).status == 404);
  CHECK_FALSE(std::filesystem::exists(old));
}

TEST_CASE("an experiment that is deleted takes its runs along, and its name is free again") {
  test::TestWorld world;
  const auto experiment = [&](const std::string& rest) {
    return document(world.ask(Method::kGet, of("default", "/experiments/e" + rest)));
  };
  REQUIRE(track(world, "default", "first") == 201);
  const int64_t id = experiment("").at("id").as_int64();
  REQUIRE(world.ask(Method::kDelete, of("default", "/experiments/e")).status == 204);
  CHECK(experiment("").at("stage").as_string() == "deleted");
  CHECK(document(world.ask(Method::kGet, of("default", "/runs/first"))).at("stage").as_string() == "deleted");

  REQUIRE(track(world, "default", "second") == 201);
  const int64_t next = experiment("").at("id").as_int64();
  CHECK(next != id);
  CHECK(experiment(fmt::format("?id={}", id)).at("stage").as_string() == "deleted");
  CHECK(document(world.ask(Method::kGet, of("default", "/runs?experiment=e"))).at("items").as_array().size() == 1);
  const std::string old_runs = of("default", fmt::format("/runs?experimentId={}&stage=deleted", id));
  CHECK(document(world.ask(Method::kGet, old_runs)).at("items").as_array().size() == 1);

  // Back under its name only when that is free; then with its runs.
  const std::string old = of("default", fmt::format("/experiments/e?id={}", id));
  CHECK(world.ask(Method::kPatch, old, R"({"stage":"active"})").status == 409);
  REQUIRE(world.ask(Method::kPatch, of("default", "/experiments/e"), R"({"stage":"archived"})").status == 200);
  REQUIRE(world.ask(Method::kPatch, old, R"({"stage":"active"})").status == 200);
  CHECK(document(world.ask(Method::kGet, of("default", "/runs/first"))).at("stage").as_string() == "active");
  CHECK(experiment("").at("id").as_int64() == id);
  CHECK(experiment(fmt::format("?id={}", next)).at("archivedUtc").is_string());
}
