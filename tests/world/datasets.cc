// Datasets on the wired server: saving and registering, what references mean, changing and deleting, lineage, who may what.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "lifecycle/garbage.hh"
#include "lifecycle/workspace_removal.hh"
#include "store/datasets.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

std::string of(const std::string& rest, const std::string& workspace = "default") {
  return "/api/v1/workspaces/" + workspace + rest;
}

json::value document(const net::Response& response) {
  CAPTURE(response.body);
  REQUIRE(response.status < 300);
  return json::parse(response.body);
}

std::string code_of(const net::Response& response) {
  CAPTURE(response.body);
  REQUIRE(response.status >= 400);
  return std::string(json::parse(response.body).at("code").as_string());
}

std::string text(const json::value& object, std::string_view key) { return std::string(object.at(key).as_string()); }

// A document of one file; `etag` tells contents apart.
std::string described(const std::string& etag, const std::string& more = {}) {
  return fmt::format(R"({{"kind":"file","sources":[{{"datastore":"workspaceblobstore","path":"digits/**"}}],
    "files":[{{"source":0,"path":"digits/a.csv","name":"a.csv","sizeBytes":3,"etag":"{}"}}]{}{}}})",
                     etag, more.empty() ? "" : ",", more);
}

std::string registering(const std::string& name, bool new_version = false) {
  return fmt::format(R"("register":{{"name":"{}","description":"of {}","tags":{{"area":"{}"}},"createNewVersion":{}}})", name,
                     name, name, new_version);
}

net::Response save(test::TestWorld& world, const std::string& body) { return world.ask(Method::kPost, of("/datasets"), body); }

net::Response show(test::TestWorld& world, const std::string& reference) {
  return world.ask(Method::kGet, of("/datasets/" + reference));
}

// "name:version" of each, in the order of the answer
std::vector<std::string> listed(test::TestWorld& world, const std::string& query) {
  std::vector<std::string> names;
  for (const json::value& each : document(world.ask(Method::kGet, of("/datasets" + query))).at("items").as_array())
    names.push_back(text(each, "name") + ":" + json::serialize(each.at("version")));
  return names;
}

std::vector<std::string> events(test::TestWorld& world) {
  std::vector<std::string> types;
  const std::function<Result<std::vector<RunEvent>>(store::Reader&)> look = [](store::Reader& reader) {
    return reader.events_after(0, "default", 1000);
  };
  for (const RunEvent& event : *store::read<std::vector<RunEvent>>(*world.store, look)) {
    if (!event.type.starts_with("dataset.")) continue;
    const json::value* const version = event.data.if_contains("version");
    types.push_back(event.type + (version == nullptr ? "" : " " + json::serialize(*version)));
  }
  return types;
}

void add_run(test::TestWorld& world, const std::string& id) {
  document(world.ask(Method::kPost, of("/tracked-runs"), fmt::format(R"({{"experiment":"digits","runId":"{}"}})", id)));
}

void note_use(test::TestWorld& world, const std::string& run, const std::string& id, bool is_output) {
  const DatasetUse use{{"default", run}, id, is_output, is_output ? "made" : "digits", is_output ? "upload" : "mount"};
  REQUIRE(sync_wait(world.store->write([use](store::Transaction& t) { return t.edit_datasets().note_use(use); })));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a dataset is saved once, and read back by its id") {
  test::TestWorld world;
  const net::Response made = save(world, described("e1"));
  CHECK(made.status == 201);
  const json::value dataset = document(made);
  CHECK(is_dataset_id(text(dataset, "id")));
  CHECK(dataset.at("name").is_null());
  CHECK(dataset.at("version").is_null());
  CHECK(dataset.at("fileCount").as_int64() == 1);
  CHECK(dataset.at("sizeBytes").as_int64() == 3);
  CHECK(!dataset.at("definition").as_object().contains("files"));
  const net::Response again = save(world, described("e1"));
  CHECK(again.status == 200);
  CHECK(text(document(again), "id") == text(dataset, "id"));
  CHECK(text(document(save(world, described("e2"))), "id") != text(dataset, "id"));
  const json::value stored = document(show(world, text(dataset, "id") + "/content"));
  CHECK(text(stored.at("files").at(0), "etag") == "e1");
  CHECK(text(document(show(world, text(dataset, "id"))), "kind") == "file");
  CHECK(listed(world, "").empty());
  CHECK(events(world) == Names{"dataset.created", "dataset.created"});
}

TEST_CASE("the spelling of a document and of a datastore's name makes no other dataset") {
  test::TestWorld world;
  const std::string id = text(document(save(world, described("e1"))), "id");
  const net::Response other = save(world, R"({"files":[{"name":"a.csv","path":"digits/a.csv","etag":"e1","sizeBytes":3}],
    "sources":[{"path":"digits/**","datastore":"WorkspaceBlobStore"}],"kind":"file","reader":{},"steps":[]})");
  CHECK(other.status == 200);
  CHECK(text(document(other), "id") == id);
}

TEST_CASE("a name's versions: the same content, a refusal, a new version") {
  test::TestWorld world;
  const net::Response first = save(world, described("e1", registering("mnist")));
  CHECK(first.status == 201);
  CHECK(document(first).at("version").as_int64() == 1);
  CHECK(text(document(first), "description") == "of mnist");
  const net::Response same = save(world, described("e1", registering("mnist")));
  CHECK(same.status == 200);
  CHECK(document(same).at("version").as_int64() == 1);
  const net::Response refused = save(world, described("e2", registering("mnist")));
  CHECK(refused.status == 409);
  CHECK(code_of(refused) == "dataset_exists");
  const net::Response second = save(world, described("e2", registering("mnist", true)));
  CHECK(second.status == 201);
  CHECK(document(second).at("version").as_int64() == 2);
  CHECK(document(save(world, described("e1", registering("mnist")))).at("version").as_int64() == 1);
  CHECK(document(show(world, "mnist")).at("version").as_int64() == 2);
  CHECK(document(show(world, "mnist:latest")).at("version").as_int64() == 2);
  CHECK(document(show(world, "mnist:1")).at("version").as_int64() == 1);
  CHECK(text(document(show(world, text(document(second), "id"))), "name") == "mnist");
  CHECK(text(document(show(world, "mnist:1/content")).at("files").at(0), "etag") == "e1");
  CHECK(events(world) == Names{"dataset.created", "dataset.registered 1", "dataset.created", "dataset.registered 2"});
}

TEST_CASE("lists hold the newest of each name, or all of one") {
  test::TestWorld world;
  document(save(world, described("e1", registering("b"))));
  document(save(world, described("e2", registering("b", true))));
  document(save(world, described("e1", registering("a"))));
  CHECK(listed(world, "") == Names{"a:1", "b:2"});
  CHECK(listed(world, "?name=b") == Names{"b:2", "b:1"});
  CHECK(listed(world, "?tag=area=a") == Names{"a:1"});
  CHECK(listed(world, "?tag=area") == Names{"a:1", "b:2"});
  CHECK(listed(world, "?kind=tabular").empty());
  CHECK(listed(world, "?name=c").empty());
  const json::value page = document(world.ask(Method::kGet, of("/datasets?limit=1")));
  CHECK(listed(world, "?limit=1&cursor=" + text(page, "next")) == Names{"b:2"});
  CHECK(code_of(world.ask(Method::kGet, of("/datasets?kind=image"))) == "invalid_request");
  CHECK(code_of(world.ask(Method::kGet, of("/datasets?color=red"))) == "invalid_request");
}

TEST_CASE("what is wrong is refused whole, and changes nothing") {
  test::TestWorld world;
  const auto refused = [&](const std::string& body) { return code_of(save(world, body)); };
  CHECK(refused("{}") == "invalid_request");
  CHECK(refused("[]") == "invalid_request");
  CHECK(refused(described("e", R"("color":"red")")) == "invalid_request");
  CHECK(refused(described("e", R"("register":{"name":"a/b"})")) == "name_refused");
  CHECK(refused(described("e", R"("register":{"nmae":"a"})")) == "invalid_request");
  CHECK(refused(R"({"kind":"file","sources":[{"datastore":"d","path":"../x"}],"files":[]})") == "path_refused");
  const net::Response nowhere = save(world, R"({"kind":"file","sources":[{"datastore":"workspaceblobstor"}],"files":[]})");
  CHECK(code_of(nowhere) == "datastore_not_found");
  CHECK(nowhere.body.find("workspaceblobstore") != std::string::npos);
  CHECK(code_of(world.ask(Method::kPost, of("/datasets", "nowhere"), described("e"))) == "workspace_not_found");
  document(save(world, described("e1", registering("mnist"))));
  const net::Response near = show(world, "minst");
  CHECK(code_of(near) == "dataset_not_found");
  CHECK(text(json::parse(near.body), "hint") == "Did you mean \"mnist\"?");
  const net::Response far = show(world, "mnist:7");
  CHECK(code_of(far) == "dataset_not_found");
  CHECK(text(json::parse(far.body), "hint").find("newest version is 1") != std::string::npos);
  CHECK(code_of(show(world, dataset_id(Hash::of("x")))) == "dataset_not_found");
  CHECK(code_of(show(world, "mnist:zero")) == "invalid_request");
  CHECK(code_of(world.ask(Method::kGet, of("/datasets/mnist", "other"))) == "dataset_not_found");
  CHECK(listed(world, "") == Names{"mnist:1"});
}

TEST_CASE("what is said of a version changes; what it is made of does not") {
  test::TestWorld world;
  const std::string id = text(document(save(world, described("e1", registering("m")))), "id");
  const auto patch = [&](const std::string& reference, const std::string& body) {
    return world.ask(Method::kPatch, of("/datasets/" + reference), body);
  };
  const json::value changed = document(patch("m:1", R"({"description":"good","tags":{"area":null,"c":"3"}})"));
  CHECK(text(changed, "description") == "good");
  CHECK(json::serialize(changed.at("tags")) == R"({"c":"3"})");
  CHECK(changed.at("revision").as_int64() == 2);
  CHECK(text(document(patch(id, R"({"tags":{"d":"4"}})")), "description") == "good");
  CHECK(text(document(show(world, "m")), "id") == id);
  CHECK(code_of(patch("m:1", R"({"tags":{"x":1}})")) == "invalid_request");
  CHECK(code_of(patch("m:1", R"({"files":[]})")) == "invalid_request");
  CHECK(code_of(patch("m:2", R"({"description":"x"})")) == "dataset_not_found");
  const std::string unnamed = text(document(save(world, described("e2"))), "id");
  CHECK(code_of(patch(unnamed, R"({"description":"x"})")) == "invalid_request");
  CHECK(code_of(world.ask(Method::kDelete, of("/datasets/" + id))) == "invalid_request");
  CHECK(events(world).back() == "dataset.created");
}

TEST_CASE("a name goes with all versions, or one of them goes, but not from under a run") {
  test::TestWorld world;
  const std::string one = text(document(save(world, described("e1", registering("m")))), "id");
  const std::string two = text(document(save(world, described("e2", registering("m", true)))), "id");
  document(save(world, described("e3", registering("m", true))));
  const auto remove = [&](const std::string& reference) { return world.ask(Method::kDelete, of("/datasets/" + reference)); };
  add_run(world, "r1");
  note_use(world, "r1", two, false);
  const net::Response refused = remove("m");
  CHECK(refused.status == 409);
  CHECK(code_of(refused) == "dataset_in_use");
  CHECK(refused.body.find("r1") != std::string::npos);
  CHECK(code_of(remove("m:2")) == "dataset_in_use");
  CHECK(listed(world, "?name=m") == Names{"m:3", "m:2", "m:1"});
  CHECK(remove("m:latest").status == 204);
  CHECK(listed(world, "?name=m") == Names{"m:2", "m:1"});
  document(world.ask(Method::kPost, of("/runs/r1/status"), R"({"status":"Completed"})"));
  CHECK(remove("m").status == 204);
  CHECK(listed(world, "").empty());
  CHECK(code_of(remove("m")) == "dataset_not_found");
  CHECK(document(show(world, one)).at("name").is_null());
  CHECK(document(save(world, described("e1", registering("m")))).at("version").as_int64() == 4);
}

TEST_CASE("runs and datasets know of each other") {
  test::TestWorld world;
  const std::string read = text(document(save(world, described("e1", registering("m")))), "id");
  const std::string made = text(document(save(world, described("e2"))), "id");
  add_run(world, "r1");
  note_use(world, "r1", read, false);
  note_use(world, "r1", made, true);
  const json::value of_run = document(world.ask(Method::kGet, of("/runs/r1/datasets"))).at("items");
  REQUIRE(of_run.as_array().size() == 2);
  CHECK(text(of_run.at(0), "direction") == "input");
  CHECK(text(of_run.at(0), "datasetId") == read);
  CHECK(text(of_run.at(1), "direction") == "output");
  CHECK(text(of_run.at(1), "port") == "made");
  const json::value runs = document(show(world, "m:1/runs")).at("items");
  REQUIRE(runs.as_array().size() == 1);
  CHECK(text(runs.at(0), "runId") == "r1");
  CHECK(text(runs.at(0), "mode") == "mount");
  CHECK(text(document(show(world, made + "/runs")).at("items").at(0), "direction") == "output");
  CHECK(code_of(world.ask(Method::kGet, of("/runs/r7/datasets"))) == "run_not_found");
  CHECK(code_of(show(world, "n/runs")) == "dataset_not_found");
}

TEST_CASE("documents outlive the collector, and go with their workspace") {
  test::TestWorld world;
  const std::string id = text(document(save(world, described("e1"))), "id");
  lifecycle::GarbageRules rules;
  rules.blob_grace_ms = rules.snapshot_grace_ms = rules.event_age_ms = rules.key_age_ms = -60'000;
  REQUIRE(sync_wait(lifecycle::collect_garbage(world.engine->services(), world.holdings, rules)));
  CHECK(document(show(world, id + "/content")).at("files").as_array().size() == 1);
  REQUIRE(sync_wait(lifecycle::remove_workspace(world.engine->services(), world.holdings, "default")));
  CHECK(code_of(show(world, id)) == "workspace_not_found");
}

TEST_CASE("jobs and runners get at data and save datasets; a runner changes none") {
  test::TestWorld world;
  const std::string id = text(document(save(world, described("e1", registering("m")))), "id");
  add_run(world, "r1");
  REQUIRE(sync_wait(world.store->write([](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run({"default", "r1"}));
    run->attempt = 1;
    return transaction.update_run(*run);
  })));
  const UtcMs later = system_clock().utc_now_ms() + 60'000;
  const std::string job = world.signer.issue({"default", "r1"}, 1, later).reveal();
  const std::string runner = world.signer.issue({"default", "r1"}, 1, later, access::TokenScope::kRunner).reveal();
  const auto ask = [&](Method method, const std::string& rest, const std::string& body, const std::string& token) {
    return world.ask(method, of(rest), body, token, net::Peer{}).status;
  };
  for (const auto& [who, token] : std::map<std::string, std::string>{{"job", job}, {"runner", runner}}) {
    CHECK(ask(Method::kGet, "/datasets/m/content", "", token) == 200);
    CHECK(ask(Method::kGet, "/datasets/" + id, "", token) == 200);
    CHECK(ask(Method::kPut, "/datastores/workspaceblobstore/files/" + who, "x", token) == 201);
    CHECK(ask(Method::kPost, "/datasets", described(who, registering("made", true)), token) == 201);
    CHECK(ask(Method::kDelete, "/datasets/m", "", token) == 403);
  }
  // A runner is told the credentials of its run's datastores by a route of its own.
  CHECK(ask(Method::kGet, "/datastores/workspaceblobstore/access", "", job) == 200);
  CHECK(ask(Method::kGet, "/datastores/workspaceblobstore/access", "", runner) == 403);
  CHECK(ask(Method::kPatch, "/datasets/m:1", R"({"tags":{"a":"b"}})", job) == 200);
  CHECK(ask(Method::kPatch, "/datasets/m:1", R"({"tags":{"a":"b"}})", runner) == 403);
  CHECK(ask(Method::kDelete, "/datastores/workspaceblobstore/files/some", "", runner) == 403);
}
