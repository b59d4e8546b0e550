#include "domain/launch.hh"

#include <doctest/doctest.h>

namespace werkbank {
namespace {

LaunchPlan sample_plan() {
  LaunchPlan plan;
  plan.run = {"default", "digits_1_äß"};
  plan.experiment = "digits";
  plan.experiment_id = 7;
  plan.attempt = 2;
  plan.rank = 1;
  plan.lease = "5f";
  plan.token = Secret("a.b.c");
  plan.server_url = "unix:///tmp/server.sock";
  plan.snapshot_id = std::string(64, 'a');
  plan.script = "train.py";
  plan.arguments = {"--name", "two words", ""};
  plan.environment.interpreter = "/usr/bin/python3";
  plan.environment.has_azureml = true;
  plan.variables = {{"A", "1"}, {"EMPTY", ""}};
  plan.watched_directories = {"logs", "more/logs"};
  plan.collect_outputs = false;
  plan.timeout_seconds = 60;
  plan.kill_grace_ms = 100;
  return plan;
}

TEST_CASE("a plan travels whole") {
  const LaunchPlan plan = sample_plan();
  const Result<json::value> read = parse_json(json::serialize(to_json(plan)));
  REQUIRE(read);
  const Result<LaunchPlan> again = launch_plan_from_json(*read);
  REQUIRE(again);
  CHECK(again->run.run_id == plan.run.run_id);
  CHECK(again->token.reveal() == "a.b.c");
  CHECK(again->arguments == plan.arguments);
  CHECK(again->variables == plan.variables);
  CHECK(again->watched_directories == plan.watched_directories);
  CHECK(again->environment.has_azureml);
  CHECK_FALSE(again->collect_outputs);
  CHECK(again->kill_grace_ms == 100);
  CHECK(canonical_json(to_json(*again)) == canonical_json(to_json(plan)));
}

TEST_CASE("a plan of a newer server is read, one of a newer protocol refused") {
  json::object plan = to_json(sample_plan());
  plan["somethingNew"] = true;
  CHECK(launch_plan_from_json(plan));
  plan["protocolVersion"] = kRunnerProtocolVersion + 1;
  const Result<LaunchPlan> refused = launch_plan_from_json(plan);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code->id == "not_supported");
}

TEST_CASE("a plan that no process can be made of is refused") {
  json::object plan = to_json(sample_plan());
  SUBCASE("an argument with NUL") { plan["arguments"] = json::array{json::string("a\0b", 3)}; }
  SUBCASE("a variable with = in its name") { plan["variables"] = json::object{{"A=B", "1"}}; }
  SUBCASE("nothing to run") { plan["script"] = ""; }
  SUBCASE("no lease") { plan["lease"] = ""; }
  SUBCASE("no server") { plan.erase("serverUrl"); }
  SUBCASE("a version that is no number") { plan["protocolVersion"] = "1"; }
  CHECK_FALSE(launch_plan_from_json(plan));
}

TEST_CASE("a report travels whole, and an unknown phase is refused") {
  RunnerReport report;
  report.attempt = 3;
  report.lease = "l";
  report.phase = RunnerPhase::kDone;
  report.end.kind = RunEndKind::kSignal;
  report.end.signal = 9;
  report.warnings = {"w"};
  report.script_ended_ms = 1'795'295'791'250;
  json::object document = to_json(report);
  const Result<RunnerReport> again = runner_report_from_json(document);
  REQUIRE(again);
  CHECK(again->phase == RunnerPhase::kDone);
  CHECK(again->end.kind == RunEndKind::kSignal);
  CHECK(again->end.signal == 9);
  CHECK(again->script_ended_ms == report.script_ended_ms);
  CHECK(again->warnings == report.warnings);
  document["phase"] = "asleep";
  CHECK_FALSE(runner_report_from_json(document));
}

}  // namespace
}  // namespace werkbank
