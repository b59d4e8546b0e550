// What Microsoft's own client asks for in a job, on the wired server. tests/e2e/test_genuine_client.py drives the client itself.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "access/tokens.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

const std::string kScope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/default";
const std::string kRuns = "/history/v1.0" + kScope + "/experimentids/1/runs/";
const std::string kNamed = "/history/v1.0" + kScope + "/experiments/digits/runs/";

// A run whose job speaks by the door of jobs.
struct JobWorld : test::TestWorld {
  JobWorld() {
    api->services.runner.job_url = "http://localhost";
    track("job", "");
    track("foreign", "");
    token = signer.issue({"default", "job"}, 1, system_clock().utc_now_ms() + 3'600'000).reveal();
  }

  void track(const std::string& id, const std::string& parent) {
    const net::Response made = TestWorld::ask(
        Method::kPost, "/api/v1/workspaces/default/tracked-runs",
        fmt::format(R"({{"experiment":"digits","runId":"{}","parentRunId":"{}","status":"Running"}})", id, parent));
    REQUIRE(made.status == 201);
    REQUIRE(sync_wait(store->write([id](store::Transaction& transaction) -> Status {
      TRY(auto run, transaction.run({"default", id}));
      run->attempt = 1;
      return transaction.update_run(*run);
    })));
  }

  net::Response job(Method method, const std::string& target, const std::string& body = {}) {
    return by_door(method, target, body, token);
  }
  net::Response by_door(Method method, const std::string& target, const std::string& body, const std::string& with) {
    return TestWorld::ask(method, target, body, with, net::Peer{false, 0, "127.0.0.1:9"}, api::Door::kJobs);
  }

  std::string token;
};

json::value document(const net::Response& response) {
  CAPTURE(response.body);
  REQUIRE(response.status < 300);
  return json::parse(response.body);
}

std::string text(const json::value& object, std::string_view key) { return std::string(object.at(key).as_string()); }

// As the client reads it: its words for special numbers are no JSON.
std::string batch(const std::string& values) { return R"({"values":[)" + values + R"(],"reportErrors":true})"; }

std::string value(const std::string& id, const std::string& data, const std::string& step = "null") {
  return fmt::format(R"({{"metricId":"{}","createdUtc":"2026-01-02T03:04:05.678901Z","step":{},"data":{}}})", id, step, data);
}

std::string metric(const std::string& name, const std::string& type, const std::string& values) {
  return fmt::format(R"({{"name":"{}","columns":{{}},"value":[{}],"properties":{{"uxMetricType":"{}"}}}})", name, values, type);
}

}  // namespace

TEST_CASE("by the door of jobs come tokens of runs, and nobody else") {
  JobWorld world;
  const json::value services = document(world.by_door(Method::kGet, "/discovery", "", ""));
  for (const char* service : {"api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"})
    CHECK(text(services, service) == "http://localhost");
  CHECK(world.by_door(Method::kGet, kRuns + "job", "", "").status == 401);
  CHECK(world.by_door(Method::kGet, "/healthz", "", "").status == 401);
  CHECK(world.by_door(Method::kGet, "/simple/", "", "").status == 401);
  CHECK(world.by_door(Method::kPost, "/discovery", "", "").status == 401);
  world.facts.no_auth = true;
  CHECK(world.by_door(Method::kGet, kRuns + "job", "", "").status == 401);
  const net::Response created = world.ask(Method::kPost, "/api/v1/tokens", R"({"workspace":"*","role":"owner"})");
  const std::string login = text(document(created), "token");
  CHECK(world.ask(Method::kGet, kRuns + "job", "", login, net::Peer{false, 0, "127.0.0.1:9"}).status == 200);
  const net::Response refused = world.by_door(Method::kGet, kRuns + "job", "", login);
  CHECK(refused.status == 401);
  CHECK(refused.body.find("tokens of runs only") != std::string::npos);
  const std::string runner =
      world.signer.issue({"default", "job"}, 1, system_clock().utc_now_ms() + 60'000, access::TokenScope::kRunner).reveal();
  CHECK(world.by_door(Method::kGet, kRuns + "job", "", runner).status == 401);
  CHECK(world.job(Method::kGet, kRuns + "job").status == 200);
  CHECK(world.job(Method::kGet, "/api/v1/workspaces/default/runs/job").status == 200);
}

TEST_CASE("a job reads and changes its run in v1's words") {
  JobWorld world;
  const json::value run = document(world.job(Method::kGet, kRuns + "job"));
  CHECK(text(run, "rootRunId") == "job");
  CHECK(text(run, "dataContainerId") == "dcid.job");
  CHECK(text(run, "status") == "Running");
  CHECK(run.at("runNumber").as_int64() == 1);
  CHECK(run.at("createdBy").at("userName").is_string());
  CHECK(run.at("parentRunId").is_null());
  document(world.job(Method::kPatch, kRuns + "job", R"({"runId":"job","tags":{"a":"1","b":null},"properties":{"p":"x"}})"));
  document(world.job(Method::kPatch, kNamed + "job", R"({"runId":"job","displayName":"new","description":"d"})"));
  CHECK(world.run("job").tags == TextMap{{"a", "1"}, {"b", ""}});
  CHECK(world.run("job").properties.at("p") == "x");
  CHECK(world.run("job").display_name == "new");
  document(world.job(Method::kDelete, kNamed + "job/tags", R"(["b","none"])"));
  CHECK(world.run("job").tags == TextMap{{"a", "1"}});
  const net::Response again = world.job(Method::kPatch, kRuns + "job", R"({"properties":{"p":"y"}})");
  CHECK(again.status >= 400);
  CHECK(text(json::parse(again.body).at("error"), "message").find("\"p\"") != std::string::npos);
  CHECK(world.job(Method::kPatch, kRuns + "job", R"({"runId":"other"})").status == 400);
  CHECK(world.job(Method::kPatch, kRuns + "foreign", R"({"tags":{"a":"1"}})").status == 403);
  CHECK(world.run("foreign").tags.empty());
  const json::value details = document(world.job(Method::kGet, kNamed + "job/details"));
  CHECK(details.at("logFiles").is_object());
  document(world.job(Method::kGet, kNamed + "job/metricsingest/wait"));
  const json::value token = document(world.job(Method::kGet, kNamed + "job/token"));
  CHECK(text(token, "token") == world.token);
  document(world.job(Method::kPost, kNamed + "job/events",
                     R"({"name":"Microsoft.MachineLearning.Run.Warning","data":{"Source":"x","Message":"mind this"}})"));
  CHECK(world.run("job").warnings == std::vector<std::string>{"mind this"});
  CHECK(world.job(Method::kPost, kNamed + "job/events", R"({"name":"Microsoft.MachineLearning.Run.Sung"})").status == 400);
}

TEST_CASE("child runs are made below the job, follow their events, and are found") {
  JobWorld world;
  const auto happens = [&](const std::string& run, const std::string& name, const std::string& data = "{}") {
    document(world.job(Method::kPost, kNamed + run + "/events",
                       fmt::format(R"({{"name":"Microsoft.MachineLearning.Run.{}","data":{}}})", name, data)));
  };
  document(
      world.job(Method::kPatch, kRuns + "c1", R"({"runId":"c1","parentRunId":"job","status":"NotStarted","name":"job>kid"})"));
  CHECK(world.run("c1").experiment == "digits");
  CHECK(world.run("c1").display_name == "job>kid");
  CHECK(world.run("c1").status == RunStatus::kNotStarted);
  happens("c1", "Start");
  CHECK(world.run("c1").status == RunStatus::kRunning);
  happens("c1", "Heartbeat");
  happens("c1", "Completed");
  CHECK(world.run("c1").status == RunStatus::kCompleted);
  const json::value made =
      document(world.job(Method::kPatch, "/history/v1.0" + kScope + "/experiments/digits/batch/runs",
                         R"({"runs":[{"runId":"c2","parentRunId":"job","tags":{"azureml.batch_child_number":"0"}},
                                                          {"runId":"c3","parentRunId":"foreign"}]})"));
  CHECK(made.at("runs").as_object().size() == 1);
  CHECK(text(made.at("errors").at("c3").at("error"), "message").find("child runs of its own run") != std::string::npos);
  happens("c2", "Start");
  happens("c2", "Error", R"({"ErrorResponse":{"error":{"code":"UserError","message":"oops"}}})");
  happens("c2", "Failed");
  CHECK(world.run("c2").status == RunStatus::kFailed);
  CHECK(world.run("c2").end.message == "oops");
  document(world.job(Method::kPatch, kRuns + "c4", R"({"runId":"c4","parentRunId":"job","status":"Running"})"));
  happens("c4", "Canceled");
  CHECK(world.run("c4").status == RunStatus::kCanceled);
  CHECK(world.job(Method::kPatch, kRuns + "c5", R"({"runId":"c5","parentRunId":"foreign"})").status == 403);
  CHECK(world.job(Method::kPatch, kRuns + "c5", R"({"runId":"c5"})").status == 403);

  const json::value children = document(world.job(Method::kGet, kNamed + "job/children?$top=500"));
  CHECK(children.at("value").as_array().size() == 3);
  CHECK(children.at("continuationToken").is_null());
  const std::string query = "/history/v1.0" + kScope + "/experiments/digits/runs:query";
  const auto found = [&](const std::string& filter) {
    std::set<std::string> ids;
    std::string next;
    do {
      const std::string body = json::serialize(json::object{{"filter", filter}, {"top", 2}, {"continuationToken", next}});
      const json::value page = document(world.job(Method::kPost, query, body));
      for (const json::value& run : page.at("value").as_array()) ids.insert(text(run, "runId"));
      next = page.at("continuationToken").is_null() ? "" : text(page, "continuationToken");
    } while (!next.empty());
    return ids;
  };
  CHECK(found("(RootRunId eq job and RunId ne job)") == std::set<std::string>{"c1", "c2", "c4"});
  CHECK(found("(ParentRunId eq null)") == std::set<std::string>{"job", "foreign"});
  CHECK(found("(Tags/azureml.batch_child_number eq \"0\")") == std::set<std::string>{"c2"});
  CHECK(world.job(Method::kPost, query, R"({"filter":"Colour eq red"})").status == 400);
}

TEST_CASE("metrics are taken once, in the forms of both services, and read back") {
  JobWorld world;
  const std::string metrics = "/metric/v2.0" + kScope + "/runs/job";
  const std::string sent =
      batch(metric("loss", "azureml.v1.scalar", value("m1", R"({"loss":0.5})", "3")) + "," +
            metric("loss", "azureml.v1.scalar", value("m2", R"({"loss":NaN})", "4")) + "," +
            metric("fib", "azureml.v1.list", value("m3", R"({"fib":1})") + "," + value("m4", R"({"fib":2.5})")) + "," +
            metric("row", "azureml.v1.table", value("m5", R"({"a":1,"b":"say NaN"})")) + "," +
            metric("yes", "azureml.v1.scalar", value("m6", R"({"yes":true})")) + "," +
            metric("far", "azureml.v1.scalar", value("m7", R"({"far":-Infinity})")));
  for (int time = 0; time < 2; ++time)
    CHECK(document(world.job(Method::kPost, metrics + "/batch", sent)).at("errors").as_array().empty());
  const json::value known = document(world.ask(Method::kGet, "/api/v1/workspaces/default/runs/job/metrics"));
  CHECK(known.at("metrics").as_array().size() == 5);
  const json::value names = document(world.job(Method::kPost, metrics + "/list", "{}"));
  CHECK(names.at("value").as_array().size() == 5);
  CHECK(text(names.at("value").at(0).at("metricKey"), "name") == "loss");
  const net::Response full = world.job(Method::kPost, metrics + "/full", R"({"metricName":"loss"})");
  CHECK(full.body.find(R"("data":{"loss":NaN})") != std::string::npos);
  CHECK(full.body.find(R"("step":4)") != std::string::npos);
  const json::value row = document(world.job(Method::kPost, metrics + "/full", R"({"metricName":"row"})"));
  REQUIRE(row.at("value").as_array().size() == 1);
  CHECK(row.at("value").at(0).at("data") == json::value(json::object{{"a", 1}, {"b", "say NaN"}}));
  CHECK(text(row.at("properties"), "uxMetricType") == "azureml.v1.table");
  CHECK(document(world.job(Method::kPost, metrics + "/full", R"({"metricName":"none"})")).at("value").as_array().empty());

  const std::string old = R"({"metricId":"o1","metricType":"azureml.v1.table","createdUtc":"2019-01-02T03:04:05Z","name":"t",
                              "numCells":2,"cells":[{"x":1,"y":2.5},{"x":2,"y":3.5}]})";
  document(world.job(Method::kPost, kNamed + "job/batch/metrics", R"({"values":[)" + old + "]}"));
  document(world.job(Method::kPost, kNamed + "job/metrics",
                     R"({"metricId":"o2","metricType":"azureml.v1.scalar","name":"s","cells":[{"s":7}]})"));
  // Numbers that JSON does not know come as the client knows them.
  net::Response answer = world.job(Method::kPost, "/history/v1.0" + kScope + "/experiments/digits/metrics:query",
                                   R"json({"filter":"(RunId eq job)"})json");
  CHECK(answer.body.find(R"({"loss":NaN})") != std::string::npos);
  for (const std::string_view word : {":NaN}", ":-Infinity}"}) {
    const size_t at = answer.body.find(word);
    REQUIRE(at != std::string::npos);
    answer.body.replace(at, word.size(), ":0}");
  }
  const json::value read = document(answer);
  std::map<std::string, json::array> cells;
  for (const json::value& item : read.at("value").as_array()) {
    for (const json::value& cell : item.at("cells").as_array()) cells[text(item, "name")].push_back(cell);
  }
  CHECK(cells["t"] == json::array{json::object{{"x", 1}, {"y", 2.5}}, json::object{{"x", 2}, {"y", 3.5}}});
  CHECK(cells["s"] == json::array{json::object{{"s", 7}}});
  CHECK(cells["fib"].size() == 2);
  const json::value one = document(world.job(Method::kPost, "/history/v1.0" + kScope + "/experiments/digits/metrics:query",
                                             R"json({"filter":"(RunId eq job and name eq fib)","top":500})json"));
  CHECK(one.at("value").as_array().size() == 2);
}

TEST_CASE("metrics that are none are refused whole") {
  JobWorld world;
  const std::string target = "/metric/v2.0" + kScope + "/runs/job/batch";
  const std::string good = metric("good", "azureml.v1.scalar", value("m1", R"({"good":1})"));
  for (const std::string& bad :
       {metric("", "azureml.v1.scalar", value("m2", R"({"x":1})")),
        metric("two", "azureml.v1.scalar", value("m2", R"({"x":1,"y":2})")),
        metric("kind", "azureml.v9.sound", value("m2", R"({"kind":1})")), std::string(R"({"name":"none"})"),
        std::string(R"({"name":"data","value":[{"metricId":"m2"}]})")}) {
    CAPTURE(bad);
    CHECK(world.job(Method::kPost, target, batch(good + "," + bad)).status == 400);
  }
  CHECK(world.job(Method::kPost, target, "{}").status == 400);
  CHECK(world.job(Method::kPost, "/metric/v2.0" + kScope + "/runs/foreign/batch", batch(good)).status == 403);
  CHECK(document(world.ask(Method::kGet, "/api/v1/workspaces/default/runs/job/metrics")).at("metrics").as_array().empty());
}

TEST_CASE("files are listed; what needs Azure's storage, and all else, is refused with what to do") {
  JobWorld world;
  REQUIRE(world.ask(Method::kPut, "/api/v1/workspaces/default/runs/job/files/outputs/model.pkl", "bytes").status < 300);
  const std::string artifacts = "/artifact/v2.0" + kScope + "/artifacts";
  const json::value files = document(world.job(Method::kGet, artifacts + "/ExperimentRun/dcid.job"));
  REQUIRE(files.at("value").as_array().size() == 1);
  CHECK(text(files.at("value").at(0), "path") == "outputs/model.pkl");
  CHECK(document(world.job(Method::kGet, artifacts + "/ExperimentRun/dcid.job/logs")).at("value").as_array().empty());
  CHECK(world.job(Method::kGet, artifacts + "/LocalUpload/x").status == 404);
  const auto message = [](const net::Response& response) {
    CHECK(response.status == 400);
    return text(json::parse(response.body).at("error"), "message");
  };
  CHECK(message(world.job(Method::kPost, artifacts + "/batch/metadata/ExperimentRun/dcid.job", R"({"paths":[{"path":"a"}]})"))
            .find("./outputs") != std::string::npos);
  CHECK(message(world.job(Method::kGet, artifacts + "/contentinfo/ExperimentRun/dcid.job/outputs/model.pkl"))
            .find("WERKBANK_AZUREML") != std::string::npos);
  // Details of a run ask for addresses of its logs: there are none to fetch from, and that is no failure.
  CHECK(document(world.job(Method::kGet, artifacts + "/prefix/contentinfo/ExperimentRun/dcid.job/outputs"))
            .at("value")
            .as_array()
            .empty());
  CHECK(
      message(world.job(Method::kPost, "/modelmanagement/v1.0" + kScope + "/models", "{}")).find("POST modelmanagement/models") !=
      std::string::npos);
  REQUIRE(world.ask(Method::kPut, "/api/v1/workspaces/default/secrets/key", R"({"value":"s3cret"})").status < 300);
  CHECK(text(document(world.job(Method::kGet, "/credential/v2.0" + kScope + "/secrets/key")), "value") == "s3cret");
}
