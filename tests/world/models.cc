// The model registry on the wired server: registering from runs and from what was sent, sharing content, garbage, deleting.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <thread>

#include "access/tokens.hh"
#include "content/snapshot_store.hh"
#include "lifecycle/garbage.hh"
#include "lifecycle/workspace_removal.hh"
#include "store/models.hh"
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

void add_run(test::TestWorld& world, const std::string& id, const std::map<std::string, std::string>& files) {
  document(world.ask(Method::kPost, of("/tracked-runs"), fmt::format(R"({{"experiment":"digits","runId":"{}"}})", id)));
  for (const auto& [path, bytes] : files) document(world.ask(Method::kPut, of("/runs/" + id + "/files/" + path), bytes));
}

net::Response register_from_run(test::TestWorld& world, const std::string& name, const std::string& run,
                                const std::string& path) {
  return world.ask(Method::kPost, of("/models"), fmt::format(R"({{"name":"{}","runId":"{}","path":"{}"}})", name, run, path));
}

std::string send_files(test::TestWorld& world, const std::map<std::string, std::string>& files) {
  SnapshotManifest manifest;
  for (const auto& [path, bytes] : files) {
    document(world.ask(Method::kPut, of("/blobs/" + Hash::of(bytes).hex()), bytes));
    manifest.entries.push_back({path, Hash::of(bytes), bytes.size(), false});
  }
  const json::value answer = document(world.ask(Method::kPost, of("/snapshots"), manifest.to_text()));
  REQUIRE(answer.at("missing").as_array().empty());
  return text(answer, "snapshotId");
}

std::string read_body(const net::Response& response) {
  REQUIRE(response.status == 200);
  return response.body;  // small enough to come whole
}

std::set<std::string> listed(test::TestWorld& world, const std::string& query) {
  std::set<std::string> ids;
  for (const json::value& model : document(world.ask(Method::kGet, of("/models" + query))).at("items").as_array())
    ids.insert(text(model, "id"));
  return ids;
}

std::vector<std::string> events(test::TestWorld& world) {
  std::vector<std::string> types;
  const std::function<Result<std::vector<RunEvent>>(store::Reader&)> look = [](store::Reader& reader) {
    return reader.events_after(0, "default", 1000);
  };
  for (const RunEvent& event : *store::read<std::vector<RunEvent>>(*world.store, look)) {
    if (event.type.starts_with("model.")) types.push_back(event.type + " " + json::serialize(event.data.at("version")));
  }
  return types;
}

void collect_at_once(test::TestWorld& world) {
  lifecycle::GarbageRules rules;
  rules.empty_trash = true;
  rules.blob_grace_ms = rules.snapshot_grace_ms = rules.event_age_ms = rules.key_age_ms = -60'000;
  REQUIRE(sync_wait(lifecycle::collect_garbage(world.engine->services(), world.holdings, rules)));
}

bool is_there(test::TestWorld& world, const std::string& bytes) { return world.blobs->size(Hash::of(bytes)).has_value(); }

using Ids = std::set<std::string>;

}  // namespace

TEST_CASE("a run's file becomes a model that shares its content") {
  test::TestWorld world;
  const std::string bytes = "the weights";
  add_run(world, "r1", {{"outputs/sklearn_mnist_model.pkl", bytes}, {"outputs/other.txt", "x"}});
  const net::Response made = register_from_run(world, "sklearn_mnist", "r1", "outputs/sklearn_mnist_model.pkl");
  CHECK(made.status == 201);
  const json::value model = document(made);
  CHECK(text(model, "id") == "sklearn_mnist:1");
  CHECK(model.at("version").as_int64() == 1);
  CHECK(text(model, "runId") == "r1");
  CHECK(text(model, "experiment") == "digits");
  CHECK(text(model, "runPath") == "outputs/sklearn_mnist_model.pkl");
  CHECK(model.at("sizeBytes").to_number<size_t>() == bytes.size());
  const json::value files = document(world.ask(Method::kGet, of("/models/sklearn_mnist:1/files")));
  REQUIRE(files.at("items").as_array().size() == 1);
  CHECK(text(files.at("items").at(0), "path") == "sklearn_mnist_model.pkl");
  CHECK(text(files.at("items").at(0), "hash") == Hash::of(bytes).hex());
  CHECK(read_body(world.ask(Method::kGet, of("/models/sklearn_mnist/files/sklearn_mnist_model.pkl"))) == bytes);
  CHECK(code_of(world.ask(Method::kGet, of("/models/sklearn_mnist/files/other.txt"))) == "not_found");
  CHECK(text(document(register_from_run(world, "sklearn_mnist", "r1", "outputs")), "id") == "sklearn_mnist:2");
  CHECK(text(document(world.ask(Method::kGet, of("/models/sklearn_mnist"))), "id") == "sklearn_mnist:2");
  CHECK(listed(world, "?run=r1") == Ids{"sklearn_mnist:1", "sklearn_mnist:2"});
  CHECK(listed(world, "?run=r1&latest=true") == Ids{"sklearn_mnist:2"});
  CHECK(events(world) == std::vector<std::string>{"model.registered 1", "model.registered 2"});
}

TEST_CASE("what is not there is refused, and changes nothing") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/model.pkl", "1"}});
  const net::Response refused = register_from_run(world, "m", "r1", "outputs/modle.pkl");
  CHECK(refused.status == 404);
  CHECK(code_of(refused) == "model_path_not_found");
  CHECK(text(json::parse(refused.body), "hint") == "Did you mean \"outputs/model.pkl\"?");
  CHECK(code_of(register_from_run(world, "m", "nowhere", "outputs/model.pkl")) == "run_not_found");
  CHECK(code_of(register_from_run(world, "-m", "r1", "outputs/model.pkl")) == "name_refused");
  CHECK(code_of(register_from_run(world, "m", "r1", "../model.pkl")) == "path_refused");
  const auto post = [&](const std::string& body) { return code_of(world.ask(Method::kPost, of("/models"), body)); };
  CHECK(post(R"({"name":"m"})") == "invalid_request");
  CHECK(post(R"({"name":"m","runId":"r1","path":"outputs","snapshotId":"00"})") == "invalid_request");
  CHECK(post(R"({"name":"m","runId":"r1","frameworkVersion":"1"})") == "invalid_request");
  CHECK(post(R"({"name":"m","runId":"r1","nmae":"x"})") == "invalid_request");
  CHECK(post(fmt::format(R"({{"name":"m","snapshotId":"{}"}})", Hash::of("none").hex())) == "snapshot_not_found");
  CHECK(code_of(world.ask(Method::kPost, of("/models", "nowhere"), R"({"name":"m","runId":"r1"})")) == "workspace_not_found");
  CHECK(code_of(world.ask(Method::kGet, of("/models/m"))) == "model_not_found");
  CHECK(code_of(world.ask(Method::kGet, of("/models?color=red"))) == "invalid_request");
  CHECK(listed(world, "").empty());
  CHECK(events(world).empty());
}

TEST_CASE("a registration that is sent twice makes one version") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/m", "1"}});
  const auto send = [&](const std::string& body) {
    net::Request request;
    request.method = Method::kPost;
    request.target = request.path = of("/models");
    request.segments = {"api", "v1", "workspaces", "default", "models"};
    request.peer = {true, 1000, ""};
    request.headers["host"] = "localhost";
    request.headers["idempotency-key"] = "k1";
    test::TextBody sent(body);
    request.body = &sent;
    return sync_wait(api::Router(*world.api).answer(request));
  };
  const std::string body = R"({"name":"m","runId":"r1","path":"outputs/m"})";
  CHECK(send(body).status == 201);
  const net::Response again = send(body);
  CHECK(again.status == 200);
  CHECK(text(document(again), "id") == "m:1");
  CHECK(code_of(send(R"({"name":"n","runId":"r1","path":"outputs/m"})")) == "idempotency_conflict");
  CHECK(listed(world, "") == Ids{"m:1"});
}

TEST_CASE("registrations at once get versions of their own") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/m", "1"}});
  std::vector<std::thread> threads;
  std::vector<int> statuses(4);
  for (int& status : statuses)
    threads.emplace_back([&world, &status] { status = register_from_run(world, "m", "r1", "outputs/m").status; });
  for (std::thread& thread : threads) thread.join();
  CHECK(statuses == std::vector<int>(4, 201));
  CHECK(listed(world, "?name=m") == Ids{"m:1", "m:2", "m:3", "m:4"});
}

TEST_CASE("files that were sent become a model") {
  test::TestWorld world;
  add_run(world, "r1", {});
  const std::string snapshot = send_files(world, {{"net/config.json", "{}"}, {"net/weights.bin", "0123456789"}});
  const json::value model = document(
      world.ask(Method::kPost, of("/models"),
                fmt::format(R"({{"name":"net","snapshotId":"{}","runId":"r1","framework":"PyTorch","frameworkVersion":"1.4",
        "tags":{{"area":"mnist"}},"properties":{{"p":"1"}},"datasets":[{{"name":"training data","id":"d1"}}],
        "resourceConfiguration":{{"cpu":1,"memoryInGb":0.5}}}})",
                            snapshot)));
  CHECK(text(model, "contentId") == snapshot);
  CHECK(text(model, "runId") == "r1");
  CHECK(text(model, "runPath").empty());
  CHECK(model.at("fileCount").as_int64() == 2);
  CHECK(read_body(world.ask(Method::kGet, of("/models/net:1/files/net/weights.bin"))) == "0123456789");
  CHECK(listed(world, "?tag=area=mnist&property=p&framework=pytorch&dataset=d1") == Ids{"net:1"});
  CHECK(listed(world, "?tag=area=other").empty());
  const std::string empty = send_files(world, {});
  CHECK(code_of(world.ask(Method::kPost, of("/models"), fmt::format(R"({{"name":"m","snapshotId":"{}"}})", empty))) ==
        "invalid_request");
}

TEST_CASE("what is said of a model changes; a property is set once") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/m", "1"}});
  document(world.ask(Method::kPost, of("/models"),
                     R"({"name":"m","runId":"r1","path":"outputs/m","tags":{"a":"1","b":"2"},"properties":{"p":"1"}})"));
  const auto patch = [&](const std::string& body, const std::string& id = "m:1") {
    return world.ask(Method::kPatch, of("/models/" + id), body);
  };
  const json::value changed = document(patch(R"({"description":"good","tags":{"a":null,"c":"3"},"properties":{"q":"2"}})"));
  CHECK(text(changed, "description") == "good");
  CHECK(json::serialize(changed.at("tags")) == R"({"b":"2","c":"3"})");
  CHECK(json::serialize(changed.at("properties")) == R"({"p":"1","q":"2"})");
  CHECK(changed.at("revision").as_int64() == 2);
  CHECK(json::serialize(document(patch(R"({"tags":{"x":"y"},"replaceTags":true})")).at("tags")) == R"({"x":"y"})");
  CHECK(code_of(patch(R"({"properties":{"p":"other"}})")) == "property_exists");
  CHECK(code_of(patch(R"({"frameworkVersion":"1"})")) == "invalid_request");
  CHECK(code_of(patch(R"({"tags":{"x":1}})")) == "invalid_request");
  CHECK(code_of(patch(R"({"description":"x"})", "m")) == "invalid_request");
  CHECK(code_of(patch(R"({"description":"x"})", "m:7")) == "model_not_found");
  const std::string dataset = R"({"addDatasets":[{"name":"t","id":"d1"}]})";
  document(patch(dataset));
  CHECK(document(patch(dataset)).at("datasets").as_array().size() == 1);
}

TEST_CASE("a model outlives its run and the collector; deleted, its content goes") {
  test::TestWorld world;
  const std::string bytes = "the weights of r1";
  add_run(world, "r1", {{"outputs/m", bytes}, {"outputs/rest", "not registered"}});
  document(register_from_run(world, "m", "r1", "outputs/m"));
  CHECK(world.ask(Method::kDelete, of("/runs/r1")).status == 204);
  CHECK(code_of(register_from_run(world, "m", "r1", "outputs/m")) == "run_not_found");
  collect_at_once(world);
  CHECK(is_there(world, bytes));
  CHECK(!is_there(world, "not registered"));
  CHECK(read_body(world.ask(Method::kGet, of("/models/m:1/files/m"))) == bytes);
  CHECK(text(document(world.ask(Method::kGet, of("/models/m:1"))), "runId") == "r1");

  const auto edit = [&](const std::function<Status(store::ModelWriter&)>& action) {
    return sync_wait(world.store->write([action](store::Transaction& t) { return action(t.edit_models()); })).has_value();
  };
  const ModelKey key{"default", "m", 1};
  CHECK(edit([&](store::ModelWriter& models) { return models.put_user(key, {"service", "digits"}); }));
  const net::Response refused = world.ask(Method::kDelete, of("/models/m:1"));
  CHECK(refused.status == 409);
  CHECK(code_of(refused) == "model_in_use");
  CHECK(refused.body.find("digits") != std::string::npos);
  CHECK(text(document(world.ask(Method::kGet, of("/models/m:1/users"))).at("items").at(0), "name") == "digits");
  CHECK(edit([&](store::ModelWriter& models) { return models.drop_user(key, {"service", "digits"}); }));
  CHECK(code_of(world.ask(Method::kDelete, of("/models/m"))) == "invalid_request");
  CHECK(world.ask(Method::kDelete, of("/models/m:1")).status == 204);
  CHECK(code_of(world.ask(Method::kDelete, of("/models/m:1"))) == "model_not_found");
  collect_at_once(world);
  CHECK(!is_there(world, bytes));
}

TEST_CASE("models count among a workspace's contents and go with it") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/m", "only here"}});
  document(register_from_run(world, "m", "r1", "outputs/m"));
  CHECK(document(world.ask(Method::kGet, of("/contents"))).at("models").as_int64() == 1);
  const std::string content = text(document(world.ask(Method::kGet, of("/models/m"))), "contentId");
  REQUIRE(sync_wait(lifecycle::remove_workspace(world.engine->services(), world.holdings, "default")));
  CHECK(code_of(world.ask(Method::kGet, of("/models"))) == "workspace_not_found");
  CHECK(!is_there(world, "only here"));
  CHECK(!world.blobs->size(*Hash::parse(content)));
}

TEST_CASE("a job registers its own files, and no other run's as an origin") {
  test::TestWorld world;
  add_run(world, "r1", {{"outputs/m", "1"}});
  add_run(world, "r2", {});
  const std::string snapshot = send_files(world, {{"m", "1"}});
  const Status begun = sync_wait(world.store->write([](store::Transaction& transaction) -> Status {
    TRY(auto run, transaction.run({"default", "r1"}));
    run->attempt = 1;
    return transaction.update_run(*run);
  }));
  REQUIRE(begun);
  const std::string token = world.signer.issue({"default", "r1"}, 1, system_clock().utc_now_ms() + 60'000).reveal();
  const auto post = [&](const std::string& body) { return world.ask(Method::kPost, of("/models"), body, token, net::Peer{}); };
  CHECK(post(R"({"name":"m","runId":"r1","path":"outputs/m"})").status == 201);
  CHECK(post(fmt::format(R"({{"name":"m","snapshotId":"{}"}})", snapshot)).status == 201);
  CHECK(post(fmt::format(R"({{"name":"m","snapshotId":"{}","runId":"r1"}})", snapshot)).status == 201);
  CHECK(code_of(post(fmt::format(R"({{"name":"m","snapshotId":"{}","runId":"r2"}})", snapshot))) == "denied");
  CHECK(world.ask(Method::kPatch, of("/models/m:1"), R"({"tags":{"a":"b"}})", token, net::Peer{}).status == 200);
  CHECK(world.ask(Method::kDelete, of("/models/m:1"), "", token, net::Peer{}).status == 403);
}
