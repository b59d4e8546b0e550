// The real engine on a target without processes: what becomes of runs when targets are full, fail, fall silent, or runners come
// late.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/scripted_target.hh"
#include "support/test_world.hh"

using namespace werkbank;
using net::Method;

namespace {

constexpr const char* kRuns = "/api/v1/workspaces/default/runs";

struct World {
  explicit World(int64_t runs_at_once = 2, lifecycle::EngineConfig config = {}) {
    auto scripted = std::make_unique<test::ScriptedTarget>();
    target = scripted.get();
    compute::Capabilities capabilities;
    capabilities.runs_at_once = runs_at_once;
    target->set_capabilities(capabilities);
    std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
    targets.emplace("local", std::move(scripted));
    world = std::make_unique<test::TestWorld>(std::move(targets), config);
    REQUIRE(world->engine->start().has_value());
  }

  std::string submit(const std::string& id, int64_t priority = 0, const std::string& parent = {}) {
    const net::Response answer =
        world->ask(Method::kPost, kRuns,
                   fmt::format(R"({{"experiment":"e","runId":"{}","parentRunId":"{}","spec":{{"command":"true","priority":{},)"
                               R"("environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                               id, parent, priority));
    CAPTURE(answer.body);
    REQUIRE(answer.status == 202);
    return id;
  }

  Run run(const std::string& id) { return world->run(id); }
  template <typename Condition>
  bool eventually(Condition condition) {
    return world->eventually(std::move(condition));
  }
  bool becomes(const std::string& id, RunStatus status) { return world->becomes(id, status); }

  std::optional<LaunchPlan> plan_of(const std::string& id) {
    for (const test::ScriptedTarget::Started& started : target->started()) {
      if (started.plan.run.run_id == id) return started.plan;
    }
    return std::nullopt;
  }
  bool starts(const std::string& id) {
    return eventually([&] { return plan_of(id).has_value(); });
  }

  std::vector<std::string> statuses(const std::string& id) {
    const std::function<Result<std::vector<RunEvent>>(store::Reader&)> all = [](store::Reader& reader) {
      return reader.events_after(0, "default", 1000);
    };
    std::vector<std::string> found;
    for (const RunEvent& event : store::read<std::vector<RunEvent>>(*world->store, all).value()) {
      if (event.run_id == id && event.type == "run.status") found.emplace_back(event.data.at("status").as_string());
    }
    return found;
  }
  bool has_been(const std::string& id, RunStatus status) {
    const std::vector<std::string> found = statuses(id);
    return std::ranges::find(found, to_string(status)) != found.end();
  }

  json::object report_document(const std::string& id, RunnerPhase phase, RunEnd end = {}) {
    const LaunchPlan plan = *plan_of(id);
    RunnerReport told;
    told.attempt = plan.attempt;
    told.lease = plan.lease;
    told.phase = phase;
    told.end = std::move(end);
    return to_json(told);
  }
  int send_report(const std::string& id, const json::object& told) {
    const LaunchPlan plan = *plan_of(id);
    return world->ask(Method::kPost, fmt::format("{}/{}/runner/report", kRuns, id), json::serialize(told), plan.token.reveal())
        .status;
  }
  int report(const std::string& id, RunnerPhase phase, RunEnd end = {}) {
    return send_report(id, report_document(id, phase, std::move(end)));
  }

  test::ScriptedTarget* target = nullptr;
  std::unique_ptr<test::TestWorld> world;
};

RunEnd exited(int code) {
  RunEnd end;
  end.kind = RunEndKind::kExitCode;
  end.exit_code = code;
  return end;
}

}  // namespace

TEST_CASE("a run goes its way: Queued, Starting, Running, Finalizing, Completed, each with one event") {
  World world;
  world.submit("a");
  REQUIRE(world.starts("a"));
  CHECK(world.report("a", RunnerPhase::kRunning) == 200);
  CHECK(world.report("a", RunnerPhase::kRunning) == 200);  // says nothing new
  CHECK(world.report("a", RunnerPhase::kFinalizing) == 200);
  CHECK(world.report("a", RunnerPhase::kDone, exited(0)) == 200);
  CHECK(world.report("a", RunnerPhase::kDone, exited(0)) == 200);  // the acknowledgement was lost: said again
  CHECK(world.becomes("a", RunStatus::kCompleted));
  // Nothing has to be built, so it is Queued in the transaction that records it.
  CHECK(world.statuses("a") == std::vector<std::string>{"Queued", "Starting", "Running", "Finalizing", "Completed"});
  CHECK(world.eventually([&] { return world.target->started().at(0).removed; }));
}

TEST_CASE("a full target makes runs wait; the highest priority goes first, then the oldest") {
  World world(1);
  world.submit("first");
  REQUIRE(world.starts("first"));
  world.submit("second");
  REQUIRE(world.becomes("second", RunStatus::kQueued));
  world.submit("urgent", 5);
  REQUIRE(world.becomes("urgent", RunStatus::kQueued));
  // Recorded as Queued, a run is in the queue a moment later.
  std::string why;
  REQUIRE(world.eventually([&] {
    why = world.world->ask(Method::kGet, fmt::format("{}/second/why", kRuns)).body;
    return why.find("1 run(s) are before it") != std::string::npos;
  }));
  CHECK(why.find("first") != std::string::npos);
  CHECK_FALSE(world.plan_of("urgent"));
  world.report("first", RunnerPhase::kDone, exited(0));
  REQUIRE(world.starts("urgent"));
  CHECK_FALSE(world.plan_of("second"));
  world.report("urgent", RunnerPhase::kDone, exited(0));
  CHECK(world.starts("second"));
}

TEST_CASE("a failing script is Failed with its exit code and the log's last lines") {
  World world;
  world.submit("a");
  REQUIRE(world.starts("a"));
  const LaunchPlan plan = *world.plan_of("a");
  const std::string log = "begin\nTraceback (most recent call last):\n  File \"x.py\", line 1\nValueError: boom\n";
  const std::string target =
      fmt::format("{}/a/runner/logs?attempt=1&rank=0&lease={}&path=azureml-logs/70_driver_log.txt&offset=0", kRuns, plan.lease);
  CHECK(world.world->ask(Method::kPost, target, log, plan.token.reveal()).status == 200);
  CHECK(world.world->ask(Method::kPost, target, log, plan.token.reveal()).status == 200);  // delivered twice, kept once
  world.report("a", RunnerPhase::kDone, exited(3));
  REQUIRE(world.becomes("a", RunStatus::kFailed));
  const Run run = world.run("a");
  CHECK(run.end.kind == RunEndKind::kExitCode);
  CHECK(run.end.exit_code == 3);
  CHECK(run.end.message == "User program failed with ValueError: boom");
  CHECK(run.end.log_tail.back() == "ValueError: boom");
  const std::string why = world.world->ask(Method::kGet, fmt::format("{}/a/why", kRuns)).body;
  CHECK(why.find("Traceback (most recent call last):") != std::string::npos);
  CHECK(why.find("begin") == std::string::npos);
  CHECK(world.world->ask(Method::kGet, fmt::format("{}/a/files/azureml-logs/70_driver_log.txt", kRuns)).body == log);
}

TEST_CASE("what is refused changes nothing") {
  World world;
  for (const auto& [body, code] :
       {std::pair(R"({"experiment":"-e","spec":{"command":"true"}})", "name_refused"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","target":"lokal"}})", "target_unknown"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","target":"docker"}})", "not_supported"),
        std::pair(R"({"experiment":"e","spec":{"script":"train.py"}})", "script_not_found"),
        std::pair(R"({"experiment":"e","parentRunId":"none","spec":{"command":"true"}})", "run_not_found"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","nodeCount":2}})", "not_supported"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","distribution":{"communicator":"nccl","processCount":100000}}})",
                  "config_invalid"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","distribution":{"communicator":"tcp"}}})", "config_invalid"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","comand":"x"}})", "invalid_request"),
        std::pair(R"({"experiment":"e","spec":{"command":"true","watchedDirectories":["../up"]}})", "path_refused")}) {
    const net::Response answer = world.world->ask(Method::kPost, kRuns, body);
    CAPTURE(answer.body);
    CHECK(answer.status >= 400);
    CHECK(answer.body.find(fmt::format("\"code\":\"{}\"", code)) != std::string::npos);
  }
  CHECK(world.world->ask(Method::kGet, kRuns).body == R"({"items":[],"next":""})");
  CHECK(world.world->ask(Method::kGet, "/api/v1/workspaces/default/experiments").body == R"({"items":[],"next":""})");
}

TEST_CASE("a runner that cannot be started fails the run with the target's reason") {
  World world;
  world.target->fail_next("start", Error{&errors::launch_failed, "the disk of the target is full", "", {}});
  world.submit("a");
  REQUIRE(world.becomes("a", RunStatus::kFailed));
  CHECK(world.run("a").end.kind == RunEndKind::kLaunch);
  CHECK(world.run("a").end.message.find("the disk of the target is full") != std::string::npos);
}

TEST_CASE("an environment that cannot be built fails the run before it holds a place") {
  World world(1);
  world.target->fail_next("prepare", Error{&errors::environment_failed, "no wheel for scikit-lern", "", {}});
  world.submit("a");
  REQUIRE(world.becomes("a", RunStatus::kFailed));
  CHECK(world.run("a").end.kind == RunEndKind::kEnvironment);
  CHECK(world.target->started().empty());
}

TEST_CASE("a cancel ends a waiting run at once and asks a running one's target") {
  World world(1);
  world.submit("runs");
  REQUIRE(world.starts("runs"));
  world.submit("waits");
  REQUIRE(world.becomes("waits", RunStatus::kQueued));
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/waits/cancel", kRuns)).status == 202);
  CHECK(world.run("waits").status == RunStatus::kCanceled);
  world.report("runs", RunnerPhase::kRunning);
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/runs/cancel", kRuns)).status == 202);
  CHECK(world.run("runs").status == RunStatus::kCancelRequested);
  REQUIRE(world.eventually([&] { return world.target->started().at(0).cancel_asked; }));
  RunEnd canceled;
  canceled.kind = RunEndKind::kCanceled;
  world.report("runs", RunnerPhase::kDone, canceled);
  CHECK(world.becomes("runs", RunStatus::kCanceled));
  CHECK_FALSE(world.run("runs").end.who.empty());
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/runs/cancel", kRuns)).status == 202);  // again: nothing changes
  CHECK(world.run("runs").status == RunStatus::kCanceled);
}

TEST_CASE("a silent runner that is gone ends its run as lost, one that is there goes on") {
  lifecycle::EngineConfig quick;
  quick.lease_silence = std::chrono::milliseconds(100);
  quick.tick = std::chrono::milliseconds(10);
  World world(2, quick);
  world.submit("gone");
  REQUIRE(world.starts("gone"));
  RunEnd lost;
  lost.kind = RunEndKind::kLost;
  world.target->end_runner("gone", lost);
  REQUIRE(world.becomes("gone", RunStatus::kFailed));
  CHECK(world.run("gone").end.kind == RunEndKind::kLost);

  world.submit("there");
  REQUIRE(world.starts("there"));
  world.report("there", RunnerPhase::kRunning);
  world.target->fail_next("recover", Error{&errors::unavailable, "the machine does not answer", "", {}});
  REQUIRE(world.becomes("there", RunStatus::kNotResponding));
  CHECK(world.report("there", RunnerPhase::kRunning) == 200);
  CHECK(world.report("there", RunnerPhase::kDone, exited(0)) == 200);
  CHECK(world.becomes("there", RunStatus::kCompleted));

  // The target finds it, and still it says nothing.
  world.submit("stopped");
  REQUIRE(world.starts("stopped"));
  world.report("stopped", RunnerPhase::kRunning);
  CHECK(world.eventually([&] { return world.has_been("stopped", RunStatus::kNotResponding); }));
}

TEST_CASE("a run ended when its script did, however late the server hears of it") {
  World world;
  world.submit("a");
  REQUIRE(world.starts("a"));
  world.report("a", RunnerPhase::kRunning);
  const UtcMs started_ms = world.run("a").started_ms;
  json::object told = world.report_document("a", RunnerPhase::kDone, exited(0));
  SUBCASE("by its own clock") {
    told["scriptEndedUtc"] = format_utc(started_ms);
    CHECK(world.send_report("a", told) == 200);
    REQUIRE(world.becomes("a", RunStatus::kCompleted));
    CHECK(world.run("a").ended_ms == started_ms);
  }
  SUBCASE("never before it began") {
    told["scriptEndedUtc"] = format_utc(started_ms - 3'600'000);
    CHECK(world.send_report("a", told) == 200);
    REQUIRE(world.becomes("a", RunStatus::kCompleted));
    CHECK(world.run("a").ended_ms == started_ms);
  }
  SUBCASE("never in the future") {
    told["scriptEndedUtc"] = format_utc(started_ms + 3'600'000);
    CHECK(world.send_report("a", told) == 200);
    REQUIRE(world.becomes("a", RunStatus::kCompleted));
    CHECK(world.run("a").ended_ms < started_ms + 3'600'000);
  }
}

TEST_CASE("a runner that never reports is given up, an end that is not told is refused") {
  lifecycle::EngineConfig quick;
  quick.lease_silence = std::chrono::milliseconds(20);
  quick.tick = std::chrono::milliseconds(5);
  World world(2, quick);
  world.submit("a");
  REQUIRE(world.starts("a"));
  CHECK(world.report("a", RunnerPhase::kDone) == 400);
  REQUIRE(world.becomes("a", RunStatus::kFailed));
  CHECK(world.run("a").end.kind == RunEndKind::kLaunch);
  CHECK(world.target->started().at(0).killed);
}

TEST_CASE("a step that failed is tried again") {
  lifecycle::EngineConfig quick;
  quick.retries.first = std::chrono::milliseconds(10);
  quick.tick = std::chrono::milliseconds(5);
  World world(2, quick);
  world.submit("a");
  REQUIRE(world.starts("a"));
  world.report("a", RunnerPhase::kRunning);
  world.target->fail_next("cancel", Error{&errors::unavailable, "the connection broke", "", {}});
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/a/cancel", kRuns)).status == 202);
  CHECK(world.eventually([&] { return world.target->started().at(0).cancel_asked; }));
}

TEST_CASE("why says what failed and when it is tried again; after so many failures the run is given up") {
  lifecycle::EngineConfig config;
  config.tick = std::chrono::milliseconds(5);
  config.retries = {std::chrono::milliseconds(1), std::chrono::milliseconds(5), 4};
  RunStatus status = RunStatus::kRunning;
  SUBCASE("with tries left") { config.retries = {std::chrono::hours(1), std::chrono::hours(1), 4}; }
  SUBCASE("and it fails on") {}
  SUBCASE("also where it was to be canceled") { status = RunStatus::kCancelRequested; }
  test::TestWorld world({}, config);  // as where a target was taken out of the configuration
  const Status written = sync_wait(world.store->write([status](store::Transaction& transaction) -> Status {
    Experiment experiment;
    experiment.workspace = "default";
    experiment.name = "e";
    TRY(experiment, transaction.create_experiment(experiment));
    Run run;
    run.key = {"default", "a"};
    run.experiment = "e";
    run.experiment_id = experiment.id;
    run.root_id = "a";
    run.target = "cluster";
    run.status = status;
    run.cancel_requested = status == RunStatus::kCancelRequested;
    run.attempt = 1;
    TRY(const Run made, transaction.create_run(run, nullptr, nullptr));
    Attempt attempt;
    attempt.run = made.key;
    attempt.lease = "lease";
    attempt.target = "cluster";
    attempt.handle = {{"there", "somewhere"}};
    return transaction.put_attempt(attempt);
  }));
  REQUIRE(written.has_value());
  REQUIRE(world.engine->start().has_value());
  const auto why = [&] { return world.ask(Method::kGet, fmt::format("{}/a/why", kRuns)).body; };
  const auto listener = world.hub.listen({api::Topic::everything()});
  const auto eventually = [&](const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (why().find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
      const uint64_t seen = world.hub.position(listener);
      sync_wait(world.hub.wait(listener, seen, std::chrono::milliseconds(10)));
    }
    return why().find(text) != std::string::npos;
  };
  if (config.retries.first > std::chrono::minutes(1)) {
    CHECK(eventually("Its last step failed: "));
    CHECK(why().find("cluster") != std::string::npos);
    CHECK(why().find("It is tried again in 3600 s; after 4 failures in a row the run is given up, this was number 1.") !=
          std::string::npos);
    return;
  }
  CHECK(eventually("4 tries failed, the last one because: "));
  const net::Response answer = world.ask(Method::kGet, fmt::format("{}/a", kRuns));
  CHECK(answer.body.find(status == RunStatus::kRunning ? R"("reason":"given_up")" : R"("reason":"canceled")") !=
        std::string::npos);
}

TEST_CASE("what a dead server has left of ended, deleted and older attempts is removed at the next start") {
  auto scripted = std::make_unique<test::ScriptedTarget>();
  test::ScriptedTarget* const target = scripted.get();
  std::map<std::string, std::unique_ptr<compute::ComputeTarget>> targets;
  targets.emplace("local", std::move(scripted));
  test::TestWorld world(std::move(targets));
  const auto leave = [&](const std::string& id, RunStatus status, int64_t attempt) {
    if (!id.starts_with("gone")) {
      const Status written = sync_wait(world.store->write([&](store::Transaction& transaction) -> Status {
        TRY(auto experiment, transaction.experiment("default", "e"));
        if (!experiment) {
          Experiment made;
          made.workspace = "default";
          made.name = "e";
          TRY(experiment, transaction.create_experiment(made));
        }
        Run run;
        run.key = {"default", id};
        run.experiment = "e";
        run.experiment_id = experiment->id;
        run.root_id = id;
        run.target = "local";
        run.status = status;
        run.attempt = 2;
        TRY(const Run made, transaction.create_run(run, nullptr, nullptr));
        return made.attempt == 2 ? Status() : fail(errors::internal, "attempt");
      }));
      REQUIRE(written.has_value());
    }
    LaunchPlan plan;
    plan.run = {"default", id};
    plan.attempt = attempt;
    plan.lease = id;
    REQUIRE(target->start(plan).has_value());
  };
  leave("completed", RunStatus::kCompleted, 2);
  leave("failed", RunStatus::kFailed, 2);
  leave("older", RunStatus::kRunning, 1);
  leave("current", RunStatus::kRunning, 2);
  leave("gone", RunStatus::kRunning, 1);
  target->end_runner("gone", {});
  leave("gone but alive", RunStatus::kRunning, 1);
  REQUIRE(world.engine->start().has_value());
  world.builders.stop();  // the sweep is over
  for (const test::ScriptedTarget::Started& started : target->started()) {
    CAPTURE(started.plan.run.run_id);
    const std::string& id = started.plan.run.run_id;
    CHECK(started.removed == (id != "current" && id != "gone but alive"));
  }
}

TEST_CASE("what a script may send with its own token is not taken for its runner's word") {
  World world;
  world.submit("a");
  REQUIRE(world.starts("a"));
  const LaunchPlan plan = *world.plan_of("a");
  const std::string script_token = plan.variables.at("AZUREML_RUN_TOKEN");
  CHECK(script_token == plan.variables.at("WERKBANK_TOKEN"));
  for (const auto& [name, value] : plan.variables) CHECK(value != plan.token.reveal());
  RunnerReport forged;
  forged.lease = plan.lease;  // a script sees it: it is the mark of its processes
  forged.phase = RunnerPhase::kDone;
  forged.end = exited(0);
  const std::string route = fmt::format("{}/a/runner/report", kRuns);
  CHECK(world.world->ask(Method::kPost, route, json::serialize(to_json(forged)), script_token).status == 403);
  CHECK(world.run("a").status == RunStatus::kStarting);
  CHECK(world.world->ask(Method::kPatch, fmt::format("{}/a", kRuns), R"({"tags":{"by":"script"}})", script_token).status == 200);
  CHECK(world.world->ask(Method::kPatch, fmt::format("{}/a", kRuns), R"({"tags":{"by":"runner"}})", plan.token.reveal()).status ==
        403);
  CHECK(world.report("a", RunnerPhase::kDone, exited(0)) == 200);
}

TEST_CASE("an older attempt's runner is refused") {
  World world;
  world.submit("a");
  REQUIRE(world.starts("a"));
  LaunchPlan plan = *world.plan_of("a");
  const std::string target =
      fmt::format("{}/a/runner/logs?attempt=1&rank=0&lease=other&path=azureml-logs/70_driver_log.txt&offset=0", kRuns);
  const net::Response refused = world.world->ask(Method::kPost, target, "x", plan.token.reveal());
  CHECK(refused.status == 409);
  CHECK(refused.body.find("lease_lost") != std::string::npos);
}

TEST_CASE("the same idempotency key makes one run; another request under it is refused") {
  World world;
  const auto submit = [&](const std::string& command) {
    net::Request request;
    request.method = Method::kPost;
    request.path = request.target = kRuns;
    request.segments = {"api", "v1", "workspaces", "default", "runs"};
    request.peer = {true, 1000, ""};
    request.headers["idempotency-key"] = "k";
    test::TextBody body(
        fmt::format(R"({{"experiment":"e","spec":{{"command":"{}","environment":{{"interpreter":"/x"}}}}}})", command));
    request.body = &body;
    api::Router router(*world.world->api);
    return sync_wait(router.answer(request));
  };
  const net::Response first = submit("true");
  const net::Response second = submit("true");
  CHECK(first.status == 202);
  CHECK(second.status == 200);
  const auto id = [](const net::Response& response) { return std::string(json::parse(response.body).at("runId").as_string()); };
  CHECK(id(first) == id(second));
  CHECK(submit("false").status == 409);
}

TEST_CASE("a job submits runs below its own and beside it, as its run's user") {
  World world(4);
  world.submit("root");
  world.submit("foreign");
  REQUIRE(world.starts("root"));
  const std::string token = world.plan_of("root")->variables.at("WERKBANK_TOKEN");
  const auto submit = [&](const std::string& id, const std::string& experiment, const std::string& parent) {
    const std::string body =
        fmt::format(R"({{"experiment":"{}","runId":"{}","parentRunId":"{}","properties":{{"werkbank.submittedByRun":"foreign"}},)"
                    R"("spec":{{"command":"true","environment":{{"interpreter":"/usr/bin/python3"}}}}}})",
                    experiment, id, parent);
    return world.world->ask(Method::kPost, kRuns, body, token).status;
  };
  CHECK(submit("child", "e", "root") == 202);
  CHECK(submit("grandchild", "another", "child") == 202);
  CHECK(submit("beside", "e", "") == 202);
  CHECK(submit("stray", "another", "") == 403);
  CHECK(submit("taken", "e", "foreign") == 403);
  CHECK(submit("orphan", "e", "none") == 403);

  CHECK(world.run("child").root_id == "root");
  CHECK(world.run("grandchild").root_id == "root");
  CHECK(world.run("child").created_by == world.run("root").created_by);
  CHECK(world.run("beside").created_by == world.run("root").created_by);
  CHECK(world.run("beside").parent_id.empty());
  CHECK(world.run("beside").properties.at("werkbank.submittedByRun") == "root");
  CHECK_FALSE(world.run("child").properties.contains("werkbank.submittedByRun"));
  // What it made it may end; what it did not make it may not.
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/beside/cancel", kRuns), "", token).status == 202);
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/grandchild/cancel", kRuns), "", token).status == 202);
  CHECK(world.world->ask(Method::kPost, fmt::format("{}/foreign/cancel", kRuns), "", token).status == 403);
}
