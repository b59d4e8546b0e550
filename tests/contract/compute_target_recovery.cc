// What every compute target must do when runners, servers and scripts' parents die: nothing is lost, doubled or left behind.
#include <sys/stat.h>

#include "support/target_bench.hh"

namespace werkbank::test {
namespace {

TEST_CASE("a killed runner is replaced, and the script does not notice") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(R"(
echo once >> "$SIDE/starts"
echo first
echo '{"s":1,"t":1,"n":"a","v":1}' > "$WERKBANK_SPOOL/metrics/7-x.ndjson"
while [ ! -e "$SIDE/go" ]; do sleep 0.02; done
echo '{"s":2,"t":1,"n":"a","v":2}' >> "$WERKBANK_SPOOL/metrics/7-x.ndjson"
mkdir outputs; echo o > outputs/o
echo second
)"));
  REQUIRE(bench.server.wait_until(log_holds("first")));
  kill_hard(bench.work_of(handle).runner());
  SUBCASE("while the script runs") {
    CHECK(bench.state(handle) == RunnerState::kRunning);
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
  }
  SUBCASE("when the script has ended meanwhile") {
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
    REQUIRE(eventually([&] { return std::filesystem::exists(bench.work_of(handle).exit()); }));
    CHECK(bench.state(handle) == RunnerState::kRunning);
  }
  SUBCASE("by another server, and what the first one knew is lost") {
    REQUIRE(remove_tree(bench.work_of(handle).state()));
    bench.open();
    CHECK(bench.state(handle) == RunnerState::kRunning);
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
  }
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(records.end()->exit_code == 0);
  CHECK(records.end()->kind == RunEndKind::kExitCode);
  CHECK(driver_log(records) == "first\nsecond\n");
  CHECK(records.metrics.at("7-x").size() == 2);
  CHECK(records.files.contains("outputs/o"));
  CHECK(records.violations.empty());
  CHECK(bench.side_file("starts") == "once\n");
}

TEST_CASE("without the script's parent its end is unknown, and nobody is left") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(kStubborn));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  SUBCASE("runner and parent killed") {
    kill_hard(bench.work_of(handle).runner());
    kill_hard(bench.work_of(handle).shim());
    CHECK(bench.state(handle) == RunnerState::kRunning);  // a runner brings in what is there
  }
  SUBCASE("the parent alone killed") { kill_hard(bench.work_of(handle).shim()); }
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.server.records().end()->kind == RunEndKind::kLost);
  CHECK(driver_log(bench.server.records()).starts_with("ready\n"));  // a shell may still say that its child was killed
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  CHECK(eventually([&] { return bench.processes().empty(); }));  // a killed process takes a moment to go
}

// As the folder is found after the machine went down: nothing of it runs, and the plan is of another boot.
void pretend_restart(LocalBench& bench, const json::object& handle) {
  const WorkFolder folder = bench.work_of(handle);
  // Those that would write down what happens to the others go first.
  for (const auto& record : {folder.runner(), folder.shim()}) kill_hard(record);
  ProcessSelection all;
  all.variable = kAttemptMarkVariable;
  all.value = bench.lease;
  REQUIRE(end_processes(all, {milliseconds(0), std::chrono::seconds(20)}));
  Result<LaunchPlan> plan = read_plan(folder);
  REQUIRE(plan);
  CHECK_FALSE(plan->boot_id.empty());
  plan->boot_id = "another boot";
  REQUIRE(write_plan(folder, *plan));
}

TEST_CASE("after the machine was restarted what is there is brought in, and nothing is started again") {
  LocalBench bench;
  const LaunchPlan plan = bench.plan_for(R"(
echo once >> "$SIDE/starts"
echo first
echo '{"s":1,"t":1,"n":"a","v":1}' > "$WERKBANK_SPOOL/metrics/7-x.ndjson"
mkdir outputs logs; echo o > outputs/o; echo log > logs/l
while [ ! -e "$SIDE/go" ]; do sleep 0.02; done
echo '{"s":2,"t":1,"n":"a","v":2}' >> "$WERKBANK_SPOOL/metrics/7-x.ndjson"
echo second
[ -e "$SIDE/ends" ] && exit 3
exec sleep 600
)");
  const json::object handle = bench.start(plan);
  const WorkFolder folder = bench.work_of(handle);
  REQUIRE(bench.server.wait_until(log_holds("first")));
  bench.server.set_away(true);
  const auto go_on = [&] {
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
    REQUIRE(eventually([&] { return read_file(folder.std_log()).value_or(std::string()).ends_with("second\n"); }));
  };
  std::string expected = "first\nsecond\n";
  RunEndKind kind = RunEndKind::kLost;
  SUBCASE("under the script") {
    go_on();
    pretend_restart(bench, handle);
    // Whatever of the processes' files came to the disk.
    REQUIRE(remove_tree(folder.script()));
    REQUIRE(write_file_atomically(folder.shim(), ""));
    REQUIRE(write_file_atomically(folder.runner(), "{"));
  }
  SUBCASE("and even the claim of the shim has not come to the disk") {
    go_on();
    pretend_restart(bench, handle);
    for (const auto& file : {folder.shim(), folder.script(), folder.runner(), folder.state()}) REQUIRE(remove_tree(file));
  }
  SUBCASE("after the script had ended") {
    REQUIRE(write_file_atomically(bench.folder / "ends", ""));
    go_on();
    REQUIRE(eventually([&] { return std::filesystem::exists(folder.exit()); }));
    pretend_restart(bench, handle);
    kind = RunEndKind::kExitCode;
  }
  SUBCASE("while it was ended for its time") {
    go_on();
    pretend_restart(bench, handle);
    REQUIRE(write_stop_reason(folder, RunEndKind::kTimeout));
    kind = RunEndKind::kTimeout;
  }
  SUBCASE("and the end of the log is lost") {
    bench.server.set_away(false);
    go_on();
    REQUIRE(bench.server.wait_until(log_holds("second")));
    bench.server.set_away(true);
    pretend_restart(bench, handle);
    std::filesystem::resize_file(folder.std_log(), 3);
    SUBCASE("with what was known of it") {}
    SUBCASE("with all that was known of it") { REQUIRE(remove_tree(folder.state())); }
  }
  bench.server.set_away(false);
  bench.open();  // a new server
  CHECK(bench.state(handle) == RunnerState::kRunning);
  CHECK(bench.target().start(plan).has_value());  // as where the server died before it had noted the handle
  INFO(read_file(folder.runner_log()).value_or("no runner.log"));
  // As the lifecycle does while a run is silent: a killed runner may hold its lock a moment longer.
  REQUIRE(eventually([&] { return bench.target().recover(handle).has_value() && bench.server.wait_for_end(milliseconds(20)); }));
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  const Records records = bench.server.records();
  CHECK(records.end()->kind == kind);
  if (kind == RunEndKind::kExitCode) CHECK(records.end()->exit_code == 3);
  if (kind == RunEndKind::kLost) CHECK(records.end()->message.find("restarted") != std::string::npos);
  CHECK(driver_log(records) == expected);
  CHECK(records.metrics.at("7-x").size() == 2);
  CHECK(records.files.at("outputs/o") == "o\n");
  CHECK(records.logs.at("logs/l") == "log\n");
  CHECK(records.reports.back().warnings.size() == 1);
  CHECK(records.violations.empty());
  CHECK(bench.side_file("starts") == "once\n");
  CHECK(eventually([&] { return bench.processes().empty(); }));  // a killed process takes a moment to go
}

TEST_CASE("an attempt is alive until its runner and its script are gone") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for("sleep 600\n"));
  CHECK(*bench.target().has_processes(handle));
  REQUIRE(bench.target().kill(handle));
  CHECK_FALSE(*bench.target().has_processes(handle));
}

TEST_CASE("what is kept of attempts is found again, and half-removed folders go") {
  LocalBench bench;
  const LaunchPlan plan = bench.plan_for("echo there\n");
  const json::object handle = bench.start(plan);
  const WorkFolder folder = bench.work_of(handle);
  struct stat status{};
  REQUIRE(stat(folder.plan().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(bench.server.wait_for_end());
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  // A server that died before it had the plan written, and one that died while it removed.
  const std::filesystem::path begun = bench.folder / "work" / std::string(32, 'a');
  const std::filesystem::path foreign = bench.folder / "work" / "not-ours";
  for (const auto& path : {begun / "code", foreign}) REQUIRE(make_directories(path));
  bench.open();
  Result<std::vector<compute::KeptAttempt>> kept = bench.target().kept();
  REQUIRE(kept);
  REQUIRE(kept->size() == 1);
  CHECK(kept->front().run == plan.run);
  CHECK(kept->front().attempt == 1);
  CHECK(kept->front().handle == handle);
  CHECK_FALSE(std::filesystem::exists(begun));
  CHECK(std::filesystem::exists(foreign));
  CHECK(bench.target().remove(kept->front().handle));
  CHECK(bench.target().kept()->empty());
  CHECK_FALSE(std::filesystem::exists(folder.root));
}

TEST_CASE("a lost lease ends the script") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(std::string(kStubborn)));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  bench.server.take_lease_away();
  CHECK(eventually([&] { return bench.processes().empty(); }));
  CHECK_FALSE(bench.server.records().end().has_value());
}

TEST_CASE("the server away: nothing is lost, and the script does not wait") {
  LocalBench bench;
  bench.server.set_away(true);
  const json::object handle = bench.start(bench.plan_for(R"(
i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done
echo '{"s":1,"t":1,"n":"a","v":1}' > "$WERKBANK_SPOOL/metrics/7-x.ndjson"
mkdir outputs; echo o > outputs/o
)"));
  REQUIRE(eventually([&] { return std::filesystem::exists(bench.work_of(handle).exit()); }));
  CHECK(bench.server.records().reports.empty());
  bench.server.set_away(false);
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  std::string expected;
  for (int i = 0; i < 2000; ++i) expected += "line " + std::to_string(i) + "\n";
  CHECK(driver_log(records) == expected);
  CHECK(records.metrics.at("7-x").size() == 1);
  CHECK(records.files.contains("outputs/o"));
  CHECK(records.violations.empty());
}

TEST_CASE("a blob that the server does not know any more when it is named is brought again") {
  LocalBench bench;
  bench.server.lose_blob_of("outputs/lost", 1);
  const LaunchPlan plan = bench.plan_for(R"(
mkdir outputs; echo o > outputs/a; echo l > outputs/lost; echo z > outputs/z
while [ ! -e "$SIDE/go" ]; do sleep 0.02; done
)");
  const auto all_there = [](const Records& records) { return records.files.size() == 3; };
  SUBCASE("while the script runs") {
    bench.start(plan);
    REQUIRE(bench.server.wait_until(all_there));
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
  }
  SUBCASE("at its end") {
    REQUIRE(write_file_atomically(bench.folder / "go", ""));
    bench.start(plan);
  }
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(all_there(records));
  CHECK(records.files.at("outputs/lost") == "l\n");
  CHECK(records.reports.back().warnings.empty());
  CHECK(records.violations.empty());
}

TEST_CASE("a blob that the server never keeps is warned of, and holds up neither the others nor the end") {
  LocalBench bench;
  bench.server.lose_blob_of("outputs/lost", 1'000);
  bench.start(bench.plan_for("mkdir outputs; echo o > outputs/a; echo l > outputs/lost; echo z > outputs/z"));
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(records.files.size() == 2);
  REQUIRE(records.reports.back().warnings.size() == 1);
  CHECK(records.reports.back().warnings[0].find("outputs/lost") != std::string::npos);
  CHECK(records.violations.empty());
}

// -- killed at every named point

void check_killed_at(const std::string& point) {
  CAPTURE(point);
  LocalBench bench;
  LaunchPlan plan = bench.plan_for(R"(
echo once >> "$SIDE/starts"
echo first
echo '{"s":1,"t":1,"n":"a","v":1}' > "$WERKBANK_SPOOL/metrics/7-x.ndjson"
mkdir outputs logs; echo o > outputs/o; echo l > logs/l
while [ ! -e "$SIDE/go" ]; do sleep 0.01; done
(sleep 600 &)
echo '{"s":2,"t":1,"n":"a","v":2}' >> "$WERKBANK_SPOOL/metrics/7-x.ndjson"
echo second
)");
  REQUIRE(setenv("WERKBANK_FAILPOINTS", (point + "=kill").c_str(), 1) == 0);
  const json::object handle = bench.start(plan);
  REQUIRE(unsetenv("WERKBANK_FAILPOINTS") == 0);
  REQUIRE(write_file_atomically(bench.folder / "go", ""));
  // As the lifecycle does while a run is silent.
  REQUIRE(eventually([&] { return bench.target().recover(handle).has_value() && bench.server.wait_for_end(milliseconds(20)); }));
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  const Records records = bench.server.records();
  CHECK(records.violations.empty());
  CHECK(bench.side_file("starts").size() <= 5);                  // never twice
  CHECK(eventually([&] { return bench.processes().empty(); }));  // a killed process takes a moment to go
  const RunEnd end = *records.end();
  if (point.starts_with("shim.") && end.kind == RunEndKind::kLost) {
    CHECK(std::string("first\nsecond\n").starts_with(driver_log(records)));
    return;
  }
  if (point == "shim.before_claim") {
    CHECK(end.kind == RunEndKind::kLaunch);
    CHECK(bench.side_file("starts").empty());
    return;
  }
  CHECK(end.kind == RunEndKind::kExitCode);
  CHECK(end.exit_code == 0);
  CHECK(driver_log(records) == "first\nsecond\n");
  REQUIRE(records.metrics.contains("7-x"));
  CHECK(records.metrics.at("7-x").size() == 2);
  CHECK(records.files.contains("outputs/o"));
  CHECK(records.logs.at("logs/l") == "l\n");
}

TEST_CASE("killed at a named point, a run is neither lost nor doubled") {
  for (const char* const point : {"runner.after_lock",
                                  "runner.after_charge",
                                  "runner.snapshot.before_files",
                                  "runner.snapshot.before_rename",
                                  "runner.after_snapshot",
                                  "runner.before_spawn",
                                  "runner.after_spawn",
                                  "runner.following",
                                  "runner.before_report_running",
                                  "runner.after_report_running",
                                  "runner.log.before_send",
                                  "runner.log.after_send",
                                  "runner.metrics.before_send",
                                  "runner.metrics.after_send",
                                  "runner.finalizing",
                                  "runner.before_drain",
                                  "runner.after_logs",
                                  "runner.outputs.before_blob",
                                  "runner.outputs.after_blob",
                                  "runner.outputs.before_names",
                                  "runner.outputs.after_names",
                                  "runner.after_metrics",
                                  "runner.after_outputs",
                                  "runner.before_done",
                                  "runner.before_report_done",
                                  "runner.after_report_done",
                                  "runner.after_done",
                                  "shim.before_claim",
                                  "shim.after_claim",
                                  "shim.after_script",
                                  "shim.after_wait",
                                  "shim.before_leftovers",
                                  "shim.before_exit_file",
                                  "shim.after_exit_file"}) {
    check_killed_at(point);
  }
}

TEST_CASE("killed while it ends the script, the run is canceled all the same") {
  for (const char* const point : {"runner.before_stop", "runner.after_stop"}) {
    CAPTURE(point);
    LocalBench bench;
    const LaunchPlan plan = bench.plan_for(kStubborn);
    REQUIRE(setenv("WERKBANK_FAILPOINTS", (std::string(point) + "=kill").c_str(), 1) == 0);
    const json::object handle = bench.start(plan);
    REQUIRE(unsetenv("WERKBANK_FAILPOINTS") == 0);
    REQUIRE(bench.server.wait_until(log_holds("ready")));
    CHECK(bench.target().cancel(handle));
    REQUIRE(
        eventually([&] { return bench.target().recover(handle).has_value() && bench.server.wait_for_end(milliseconds(20)); }));
    CHECK(bench.server.records().end()->kind == RunEndKind::kCanceled);
    REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
    CHECK(eventually([&] { return bench.processes().empty(); }));  // a killed process takes a moment to go
  }
}

}  // namespace
}  // namespace werkbank::test
