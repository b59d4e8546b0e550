// What every compute target must do, together with compute_target_recovery.cc and compute_target_environments.cc. Targets that
// run processes pass all cases; one that only pretends passes those on handles.
#include <atomic>

#include "support/target_bench.hh"

namespace werkbank::test {
namespace {

// -- cases on handles: every target

template <typename AnyBench>
void check_handles() {
  AnyBench bench;
  ComputeTarget& target = bench.target();
  CHECK_FALSE(target.kind().empty());
  const int64_t places = target.capabilities().runs_at_once;
  CHECK(places >= 1);
  CHECK(target.capacity(0).value().free_slots == places);
  const Result<compute::Capacity> full = target.capacity(places);
  REQUIRE(full);
  CHECK(full->free_slots == 0);
  CHECK_FALSE(full->reason.empty());

  const LaunchPlan plan = bench.plan_for("sleep 600");
  const json::object handle = bench.start(plan);
  CHECK(bench.start(plan) == handle);
  LaunchPlan other_rank = plan;
  other_rank.rank = 1;
  const json::object other_handle = bench.start(other_rank);
  CHECK(other_handle != handle);
  CHECK(bench.state(handle) == RunnerState::kRunning);
  CHECK(target.cancel(handle));
  CHECK(target.cancel(handle));
  CHECK(target.kill(handle));
  CHECK(target.kill(handle));
  CHECK(bench.state(handle) == RunnerState::kGone);
  CHECK(bench.state(other_handle) == RunnerState::kRunning);  // each rank is its own
  CHECK(target.kill(other_handle));
  CHECK(target.remove(handle));
  CHECK(target.remove(handle));
  CHECK(bench.state(handle) == RunnerState::kGone);
  CHECK(target.cancel(handle));
}

TEST_CASE("handles: start, find, cancel, kill and remove may all be said twice") {
  SUBCASE("local") { check_handles<LocalBench>(); }
  SUBCASE("scripted") { check_handles<ScriptedBench>(); }
  SUBCASE("pool") { check_handles<PoolBench>(); }
}

TEST_CASE("a handle of somebody else is refused") {
  LocalBench bench;
  for (const char* const folder : {"../../etc", "", "0123456789abcdef0123456789abcde/", "0123456789ABCDEF0123456789ABCDEF"}) {
    const json::object handle{{"folder", folder}, {"mark", "x"}, {"bootId", "y"}};
    CHECK_FALSE(bench.target().recover(handle));
    CHECK_FALSE(bench.target().kill(handle));
    CHECK_FALSE(bench.target().remove(handle));
  }
}

// -- cases on processes: every target that runs them

TEST_CASE("a run goes its way to its end") {
  LocalBench bench;
  LaunchPlan plan = bench.plan_for(R"(
echo once >> "$SIDE/starts"
echo "args:$1|$2|"
echo "from stderr" >&2
lib/tool
echo "path:$PATH"
echo "unbuffered:$PYTHONUNBUFFERED home:$HOME"
stat -c %a job.sh lib/tool
mkdir outputs
printf model > outputs/model.pkl
mkdir -p outputs/deep/er; printf x > "outputs/deep/er/name with blank"
mkdir logs; echo line >> logs/train.log
printf '{"werkbank-spool":1,"pid":1}\n{"s":1,"t":1,"n":"accuracy","v":0.5}\n' > "$WERKBANK_SPOOL/metrics/1-ab.ndjson"
printf '{"s":2,"t":2,"n":"accuracy","v":0.75}\n{"s":3,"t"' >> "$WERKBANK_SPOOL/metrics/1-ab.ndjson"
exit 0
)");
  plan.arguments = {"two words", "*"};
  SUBCASE("the snapshot from the store's folder") {}
  SUBCASE("the snapshot over HTTP") { plan.blob_folder.clear(); }
  const json::object handle = bench.start(plan);
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(records.violations.empty());
  CHECK(records.end()->kind == RunEndKind::kExitCode);
  CHECK(records.end()->exit_code == 0);
  CHECK(driver_log(records) == "args:two words|*|\nfrom stderr\ntool\npath:/bin:/usr/bin:/bin\nunbuffered:1 home:\n644\n755\n");
  CHECK(records.logs.at("logs/train.log") == "line\n");
  REQUIRE(records.metrics.count("1-ab") == 1);
  CHECK(records.metrics.at("1-ab").size() == 2);
  const std::map<std::string, std::string> files{{"outputs/model.pkl", "model"}, {"outputs/deep/er/name with blank", "x"}};
  CHECK(records.files == files);
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  const Result<RunnerStatus> status = bench.target().recover(handle);
  REQUIRE(status);
  REQUIRE(status->end.has_value());
  CHECK(status->end->kind == RunEndKind::kExitCode);
  CHECK(bench.start(plan) == handle);
  CHECK(bench.side_file("starts") == "once\n");
  CHECK(bench.target().remove(handle));
  CHECK_FALSE(std::filesystem::exists(bench.work_of(handle).root));
  CHECK(bench.processes().empty());
}

TEST_CASE("output, metrics and outputs are seen while the script runs") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(R"(
printf 'no newline yet'
echo '{"s":1,"t":1,"n":"a","v":1}' > "$WERKBANK_SPOOL/metrics/7-x.ndjson"
mkdir -p outputs logs/sub; echo early > outputs/early.txt; echo l > logs/sub/a.log
while [ ! -e "$SIDE/go" ]; do sleep 0.02; done
echo done
)"));
  CHECK(bench.server.wait_until(log_holds("no newline yet")));
  CHECK(bench.server.wait_until([](const Records& records) { return records.metrics.contains("7-x"); }));
  CHECK(bench.server.wait_until([](const Records& records) { return records.logs.contains("logs/sub/a.log"); }));
  CHECK(bench.server.wait_until([](const Records& records) { return records.files.contains("outputs/early.txt"); }));
  CHECK(bench.server.records().has_phase(RunnerPhase::kRunning));
  CHECK_FALSE(bench.server.records().end().has_value());
  REQUIRE(write_file_atomically(bench.folder / "go", ""));
  REQUIRE(bench.server.wait_for_end());
  CHECK(driver_log(bench.server.records()) == "no newline yetdone\n");
  CHECK(bench.server.records().violations.empty());
}

TEST_CASE("a failing script says how") {
  LocalBench bench;
  LaunchPlan plan = bench.plan_for("exit 3");
  RunEndKind kind = RunEndKind::kExitCode;
  SUBCASE("exit code") {}
  SUBCASE("signal") {
    plan = bench.plan_for("kill -USR1 $$");
    kind = RunEndKind::kSignal;
  }
  SUBCASE("a command, no interpreter") {
    plan.command = "test \"$(cat lib/tool | wc -l)\" = 2 && exit 3";
    plan.environment.interpreter.clear();
  }
  SUBCASE("an interpreter that is not there") {
    plan.environment.interpreter = "/nowhere/python";
    kind = RunEndKind::kLaunch;
  }
  SUBCASE("a snapshot that is not there") {
    plan.snapshot_id = std::string(64, 'a');
    kind = RunEndKind::kLaunch;
  }
  SUBCASE("a damaged blob") {
    const std::filesystem::path blob = blob_path(plan.blob_folder, Hash::of("exit 3"));
    REQUIRE(write_file_atomically(blob, "exit 0", 0400, false));
    kind = RunEndKind::kLaunch;
  }
  const json::object handle = bench.start(plan);
  REQUIRE(bench.server.wait_for_end());
  const RunEnd end = *bench.server.records().end();
  CHECK(end.kind == kind);
  if (kind == RunEndKind::kExitCode) CHECK(end.exit_code == 3);
  if (kind == RunEndKind::kSignal) CHECK(end.signal == SIGUSR1);
  if (kind == RunEndKind::kLaunch) CHECK_FALSE(end.message.empty());
}

TEST_CASE("a script may open as many files as the server's caller may, not as many as the server") {
  LocalBench bench;
  bench.local =
      compute::make_local_target({bench.folder / "work", WERKBANK_RUNNER_FOR_TESTS, bench.folder / "environments", 2, 777});
  const json::object handle = bench.start(bench.plan_for("ulimit -Sn\nenv | grep -c WERKBANK_OPEN_FILES\n"));
  REQUIRE(bench.server.wait_for_end());
  CHECK(driver_log(bench.server.records()) == "777\n0\n");
}

TEST_CASE("many starts at once start one") {
  LocalBench bench;
  const LaunchPlan plan = bench.plan_for("echo once >> \"$SIDE/starts\"; sleep 0.1");
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      if (!bench.target().start(plan)) ++failures;
    });
  }
  // Another server's target on the same folder, as after a crash between the start and its handle.
  const auto other =
      compute::make_local_target({bench.folder / "work", WERKBANK_RUNNER_FOR_TESTS, bench.folder / "environments", 2});
  CHECK(other->start(plan));
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.side_file("starts") == "once\n");
  CHECK(bench.server.records().violations.empty());
}

TEST_CASE("cancel ends the whole tree, daemons and ignored signals too") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(kStubborn));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  CHECK(bench.processes().size() >= 4);
  RunEndKind kind = RunEndKind::kCanceled;
  SUBCASE("asked by the target") { CHECK(bench.target().cancel(handle)); }
  SUBCASE("asked in the answer to a report, by a runner that took over") {
    bench.server.ask_cancel();
    kill_hard(bench.work_of(handle).runner());
    CHECK(bench.state(handle) == RunnerState::kRunning);
  }
  SUBCASE("asked while the server is away") {
    bench.server.set_away(true);
    CHECK(bench.target().cancel(handle));
    CHECK(eventually([&] { return std::filesystem::exists(bench.work_of(handle).exit()); }));
    bench.server.set_away(false);
  }
  SUBCASE("asked while the runner is dead") {
    kill_hard(bench.work_of(handle).runner());
    CHECK(bench.target().cancel(handle));
  }
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.server.records().end()->kind == kind);
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  CHECK(eventually([&] { return bench.processes().empty(); }));
}

TEST_CASE("cancel before the script began") {
  LocalBench bench;
  const LaunchPlan plan = bench.plan_for("echo once >> \"$SIDE/starts\"");
  REQUIRE(setenv("WERKBANK_FAILPOINTS", "runner.after_charge=kill", 1) == 0);
  const json::object handle = bench.start(plan);
  REQUIRE(unsetenv("WERKBANK_FAILPOINTS") == 0);
  REQUIRE(eventually([&] {
    const auto runner = read_process_record(bench.work_of(handle).runner());
    return runner && *runner && !is_alive((*runner)->id);
  }));
  CHECK(bench.target().cancel(handle));
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.server.records().end()->kind == RunEndKind::kCanceled);
  CHECK(bench.side_file("starts").empty());
}

TEST_CASE("a background process that is left behind ends with the script") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for("(setsid sleep 600 &); sleep 600 & echo left; exit 0"));
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.server.records().end()->exit_code == 0);
  CHECK(bench.server.records().end()->kind == RunEndKind::kExitCode);
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  CHECK(eventually([&] { return bench.processes().empty(); }));
}

TEST_CASE("the time limit ends the script") {
  LocalBench bench;
  LaunchPlan plan = bench.plan_for(kStubborn);
  plan.timeout_seconds = 1;
  const json::object handle = bench.start(plan);
  SUBCASE("with one runner") {}
  SUBCASE("with a second runner, counted from the script's start") {
    REQUIRE(bench.server.wait_until(log_holds("ready")));
    kill_hard(bench.work_of(handle).runner());
    CHECK(bench.state(handle) == RunnerState::kRunning);
  }
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.server.records().end()->kind == RunEndKind::kTimeout);
  CHECK(eventually([&] { return bench.processes().empty(); }));
}

TEST_CASE("kill leaves nobody, and remove nothing") {
  LocalBench bench;
  const json::object handle = bench.start(bench.plan_for(kStubborn));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  SUBCASE("kill, then remove") {
    CHECK(bench.target().kill(handle));
    CHECK(bench.processes().empty());
    CHECK(bench.state(handle) == RunnerState::kGone);
  }
  SUBCASE("remove alone") {}
  CHECK(bench.target().remove(handle));
  CHECK(bench.processes().empty());
  CHECK_FALSE(std::filesystem::exists(bench.work_of(handle).root));
}

TEST_CASE("a metric line that the server refuses does not hold up the others") {
  LocalBench bench;
  bench.server.refuse_metric("bad");
  bench.start(bench.plan_for(R"(
f="$WERKBANK_SPOOL/metrics/7-x.ndjson"
i=1; while [ $i -le 9 ]; do n=good; [ $i = 4 ] && n=bad; echo '{"s":'$i',"t":1,"n":"'$n'","v":1}' >> "$f"; i=$((i+1)); done
echo 'not a line' > "$WERKBANK_SPOOL/metrics/notes.txt"
)"));
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(records.metrics.at("7-x").size() == 8);
  CHECK(records.metrics.at("7-x").back().sequence == 9);
  CHECK_FALSE(records.reports.back().warnings.empty());
}

TEST_CASE("what follows metric lines that are too long, unreadable or missing arrives") {
  LocalBench bench;
  bench.start(bench.plan_for(R"(
f="$WERKBANK_SPOOL/metrics/7-x.ndjson"
line() { echo '{"s":'$1',"t":1,"n":"m","v":1}' >> "$f"; }
line 1
{ printf '{"s":2,"t":1,"n":"m","v":"'; head -c 18000000 /dev/zero | tr '\0' x; echo '"}'; } >> "$f"
line 3; echo 'rubbish instead of 4' >> "$f"; line 5; line 8
g="$WERKBANK_SPOOL/metrics/8-x.ndjson"
echo '{"s":1,"t":1,"n":"m","v":1}' > "$g"; echo '{"s":4000000000,"t":1,"n":"m","v":1}' >> "$g"
)"));
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  std::vector<int64_t> sequences;
  for (const MetricLine& line : records.metrics.at("7-x")) sequences.push_back(line.sequence);
  CHECK(sequences == std::vector<int64_t>{1, 3, 5, 8});
  CHECK(records.metrics.at("8-x").size() == 1);
  CHECK(records.end()->exit_code == 0);
  CHECK(records.violations.empty());
}

TEST_CASE("rotated and rewritten logs") {
  LocalBench bench;
  bench.start(bench.plan_for(R"(
mkdir logs; echo old > logs/a.log
while [ ! -e "$SIDE/go" ]; do sleep 0.02; done
mv logs/a.log logs/a.log.1; echo new > logs/a.log
)"));
  REQUIRE(bench.server.wait_until([](const Records& records) {
    const auto log = records.logs.find("logs/a.log");
    return log != records.logs.end() && log->second == "old\n";
  }));
  REQUIRE(write_file_atomically(bench.folder / "go", ""));
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK(records.logs.at("logs/a.log") == "old\nnew\n");
  CHECK(records.logs.at("logs/a.log.1") == "old\n");
  CHECK(records.files.at("logs/a.log") == "new\n");  // at the end the file is there as the script left it
}

TEST_CASE("what is not asked for is not collected, and odd requests are refused with a word") {
  LocalBench bench;
  LaunchPlan plan =
      bench.plan_for("mkdir outputs logs more; echo o > outputs/o; echo l > logs/l; echo m > more/m; ln -s / logs/root");
  plan.collect_outputs = false;
  plan.watched_directories = {"more", "../..", "/etc"};
  bench.start(plan);
  REQUIRE(bench.server.wait_for_end());
  const Records records = bench.server.records();
  CHECK_FALSE(records.files.contains("outputs/o"));
  CHECK(records.files.contains("logs/l"));
  CHECK(records.logs.at("more/m") == "m\n");
  CHECK(records.reports.back().warnings.size() >= 2);
}

}  // namespace
}  // namespace werkbank::test
