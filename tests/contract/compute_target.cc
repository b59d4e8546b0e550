// What every compute target must do. A new kind adds one entry to make_benches(). Targets that run processes pass all cases; one that
// only pretends passes those on handles.
#include "compute/compute_target.hh"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/process_tree.hh"
#include "compute/local/local_target.hh"
#include "domain/work_folder.hh"
#include "support/recording_server.hh"
#include "support/scripted_target.hh"

namespace werkbank::test {
namespace {

using compute::ComputeTarget;
using compute::RunnerState;
using compute::RunnerStatus;
using std::chrono::milliseconds;
using Records = RecordingServer::Records;

// One target with a server beside it, in a folder of its own.
struct Bench {
  Bench() : folder(std::filesystem::temp_directory_path() / ("wb_target_" + random_hex(6))), server(folder) {}
  virtual ~Bench() {
    ProcessSelection left;
    left.variable = kAttemptMarkVariable;
    left.value = lease;
    CHECK(end_processes(left, {milliseconds(0), std::chrono::seconds(20)}));
    CHECK(remove_tree(folder));
  }
  virtual ComputeTarget& target() = 0;

  // A run of this shell text, in the snapshot as job.sh.
  LaunchPlan plan_for(const std::string& text) {
    LaunchPlan plan;
    plan.run = {"default", "../odd run/äß"};  // a run's id is never part of a path
    plan.experiment = "digits";
    plan.lease = lease;
    plan.token = Secret("token");
    plan.server_url = server.url();
    plan.blob_folder = server.blob_folder();
    plan.snapshot_id = server.put_snapshot({{"job.sh", text}, {"lib/tool*", "#!/bin/sh\necho tool\n"}});
    plan.script = "job.sh";
    plan.environment.interpreter = "/bin/sh";
    plan.variables = {{"PATH", "/usr/bin:/bin"}, {"SIDE", folder.native()}};
    plan.watched_directories = {"logs"};
    plan.kill_grace_ms = 200;
    return plan;
  }
  json::object start(const LaunchPlan& plan) {
    const Result<json::object> handle = target().start(plan);
    REQUIRE(handle);
    return *handle;
  }
  RunnerState state(const json::object& handle) {
    const Result<RunnerStatus> status = target().recover(handle);
    REQUIRE(status);
    return status->state;
  }
  std::vector<ProcessId> processes() const {
    ProcessSelection selection;
    selection.variable = kAttemptMarkVariable;
    selection.value = lease;
    return find_processes(selection);
  }
  std::string side_file(const std::string& name) const { return read_file(folder / name).value_or(std::string()); }

  std::filesystem::path folder;
  RecordingServer server;
  const std::string lease = random_hex(16);
};

struct LocalBench final : Bench {
  LocalBench() { open(); }
  ~LocalBench() override { local.reset(); }
  ComputeTarget& target() override { return *local; }
  void open(const std::string& binary = WERKBANK_RUNNER_FOR_TESTS) {
    local = compute::make_local_target({folder / "work", binary, folder / "environments", 2});
  }
  WorkFolder work_of(const json::object& handle) const { return {folder / "work" / std::string(handle.at("folder").as_string())}; }

  std::unique_ptr<ComputeTarget> local;
};

struct ScriptedBench final : Bench {
  ComputeTarget& target() override { return scripted; }
  ScriptedTarget scripted;
};

template <typename IsSo>
bool eventually(const IsSo& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (is_so()) return true;
    std::this_thread::yield();
  }
  return false;
}

std::function<bool(const Records&)> log_holds(const std::string& text) {
  return [text](const Records& records) {
    const auto log = records.logs.find("azureml-logs/70_driver_log.txt");
    return log != records.logs.end() && log->second.find(text) != log->second.npos;
  };
}

std::string driver_log(const Records& records) {
  const auto log = records.logs.find("azureml-logs/70_driver_log.txt");
  return log == records.logs.end() ? "" : log->second;
}

void kill_hard(const std::filesystem::path& record_file) {
  const Result<std::optional<ProcessRecord>> record = read_process_record(record_file);
  REQUIRE(record);
  REQUIRE(record->has_value());
  REQUIRE(signal_process((*record)->id, SIGKILL));
  REQUIRE(eventually([&] { return !is_alive((*record)->id); }));
}

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
  CHECK(bench.start(other_rank) != handle);
  CHECK(bench.state(handle) == RunnerState::kRunning);
  CHECK(target.cancel(handle));
  CHECK(target.cancel(handle));
  CHECK(target.kill(handle));
  CHECK(target.kill(handle));
  CHECK(bench.state(handle) == RunnerState::kGone);
  CHECK(target.remove(handle));
  CHECK(target.remove(handle));
  CHECK(bench.state(handle) == RunnerState::kGone);
  CHECK(target.cancel(handle));
}

TEST_CASE("handles: start, find, cancel, kill and remove may all be said twice") {
  SUBCASE("local") { check_handles<LocalBench>(); }
  SUBCASE("scripted") { check_handles<ScriptedBench>(); }
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
  const auto other = compute::make_local_target({bench.folder / "work", WERKBANK_RUNNER_FOR_TESTS, bench.folder / "environments", 2});
  CHECK(other->start(plan));
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  REQUIRE(bench.server.wait_for_end());
  CHECK(bench.side_file("starts") == "once\n");
  CHECK(bench.server.records().violations.empty());
}

// Ignores what can be ignored, and leaves a daemon that has left session, group and parent.
constexpr const char* kStubborn = R"(
trap '' TERM INT HUP
(setsid sh -c 'trap "" TERM; echo $$ > "$SIDE/daemon"; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &)
while [ ! -s "$SIDE/daemon" ]; do sleep 0.02; done
echo ready
while :; do sleep 1; done
)";

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
  REQUIRE(eventually([&] { return bench.processes().empty(); }));
  REQUIRE(unsetenv("WERKBANK_FAILPOINTS") == 0);
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
  CHECK(driver_log(bench.server.records()) == "ready\n");
  REQUIRE(eventually([&] { return bench.state(handle) == RunnerState::kGone; }));
  CHECK(bench.processes().empty());
}

TEST_CASE("after the machine was restarted nothing is started again") {
  LocalBench bench;
  json::object handle = bench.start(bench.plan_for(kStubborn));
  REQUIRE(bench.server.wait_until(log_holds("ready")));
  CHECK(bench.target().kill(handle));
  REQUIRE(remove_tree(bench.work_of(handle).finished()));
  handle["bootId"] = "another boot";
  const Result<RunnerStatus> status = bench.target().recover(handle);
  REQUIRE(status);
  CHECK(status->state == RunnerState::kGone);
  REQUIRE(status->end.has_value());
  CHECK(status->end->kind == RunEndKind::kLost);
  CHECK(bench.processes().empty());
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
  CHECK_FALSE(records.reports.back().warnings.empty());
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
  LaunchPlan plan = bench.plan_for("mkdir outputs logs more; echo o > outputs/o; echo l > logs/l; echo m > more/m; ln -s / logs/root");
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

// -- environments

EnvironmentRecipe system_recipe(const std::string& interpreter) {
  EnvironmentRecipe recipe;
  recipe.kind = "system";
  recipe.interpreter = interpreter;
  recipe.hash = recipe_hash(recipe);
  return recipe;
}

// A stand-in for the runner's builder with this shell text.
std::string builder_script(const LocalBench& bench, const std::string& text) {
  const std::filesystem::path path = bench.folder / "builder";
  REQUIRE(write_file_atomically(path, "#!/bin/sh\n" + text, 0755));
  return path.native();
}

TEST_CASE("an environment is made ready once") {
  LocalBench bench;
  const EnvironmentRecipe recipe = system_recipe("/bin/sh");
  bench.open(builder_script(bench, R"(
cat > "$2.recipe"
echo "Looking"; printf 'READYing '; echo 'really'
echo 'READY {"hash":"","interpreter":"/bin/sh","pythonVersion":"3.11.2","hasAzureml":true,"variables":{"A":"b"}}'
)"));
  std::string output;
  const compute::OutputSink sink = [&output](std::string_view bytes) { output += bytes; };
  const Result<ReadyEnvironment> first = bench.target().prepare(recipe, sink, [] { return false; });
  REQUIRE(first);
  CHECK(first->interpreter == "/bin/sh");
  CHECK(first->has_azureml);
  CHECK(output == "Looking\nREADYing really\n");
  CHECK(read_file(bench.folder / "environments.recipe").has_value());
  CHECK(std::filesystem::is_empty(bench.folder / "work" / "builds"));

  SUBCASE("found again without a builder, by another server too") {
    bench.open("/nowhere/werkbank-runner");
    const Result<ReadyEnvironment> again = bench.target().prepare(recipe, sink, [] { return false; });
    REQUIRE(again);
    CHECK(again->variables == first->variables);
    CHECK_FALSE(bench.target().prepare(system_recipe("/bin/true"), sink, [] { return false; }));
  }
  SUBCASE("a built one is found by its file") {
    EnvironmentRecipe built = recipe;
    built.kind = "uv";
    built.hash = recipe_hash(built);
    REQUIRE(make_directories(bench.folder / "environments" / built.hash));
    ReadyEnvironment ready = *first;
    ready.hash = built.hash;
    const std::filesystem::path file = bench.folder / "environments" / built.hash / "ready.json";
    REQUIRE(write_file_atomically(file, json::serialize(to_json(ready))));
    bench.open("/nowhere/werkbank-runner");
    CHECK(bench.target().prepare(built, sink, [] { return false; }));
    ready.interpreter = "/nowhere/python";
    REQUIRE(write_file_atomically(file, json::serialize(to_json(ready))));
    CHECK_FALSE(bench.target().prepare(built, sink, [] { return false; }));
  }
}

TEST_CASE("an environment that cannot be made says why") {
  LocalBench bench;
  std::string output;
  const compute::OutputSink sink = [&output](std::string_view bytes) { output += bytes; };
  const EnvironmentRecipe recipe = system_recipe("/nowhere/python");
  std::string code = "requirement_invalid";
  SUBCASE("the builder's own words") {
    bench.open(builder_script(bench, R"(echo talk; echo 'FAILED {"code":"requirement_invalid","message":"m","hint":"h"}'; exit 1)"));
  }
  SUBCASE("a builder that dies") {
    bench.open(builder_script(bench, "echo talk; kill -9 $$"));
    code = "environment_failed";
  }
  SUBCASE("the real builder") {
    code = "interpreter_not_found";
  }
  const Result<ReadyEnvironment> ready = bench.target().prepare(recipe, sink, [] { return false; });
  REQUIRE_FALSE(ready);
  CHECK(ready.error().code->id == code);
  CHECK(output.find("FAILED") == output.npos);
}

TEST_CASE("a canceled build leaves nobody") {
  LocalBench bench;
  bench.open(builder_script(bench, R"(
(setsid sh -c 'trap "" TERM; echo $$ > "$0"; while :; do sleep 1; done' "$2.daemon" &)
while [ ! -s "$2.daemon" ]; do sleep 0.02; done
echo started; sleep 600)"));
  std::atomic<bool> started{false};
  const compute::OutputSink sink = [&started](std::string_view) { started = true; };
  const Result<ReadyEnvironment> ready = bench.target().prepare(system_recipe("/bin/sh"), sink, [&started] { return started.load(); });
  CHECK_FALSE(ready);
  CHECK(std::filesystem::is_empty(bench.folder / "work" / "builds"));
  const Result<ProcessId> daemon = process_id_of(std::stoi(read_file(bench.folder / "environments.daemon").value()));
  CHECK((!daemon || !is_alive(*daemon)));
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
  CHECK(bench.side_file("starts").size() <= 5);  // never twice
  CHECK(bench.processes().empty());
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
  for (const char* const point :
       {"runner.after_lock", "runner.after_charge", "runner.snapshot.before_files", "runner.snapshot.before_rename", "runner.after_snapshot",
        "runner.before_spawn", "runner.after_spawn", "runner.following", "runner.before_report_running", "runner.after_report_running",
        "runner.log.before_send", "runner.log.after_send", "runner.metrics.before_send", "runner.metrics.after_send", "runner.finalizing",
        "runner.before_drain", "runner.after_logs", "runner.outputs.before_blob", "runner.outputs.after_blob", "runner.outputs.before_names",
        "runner.outputs.after_names", "runner.after_metrics", "runner.after_outputs", "runner.before_done", "runner.before_report_done",
        "runner.after_report_done", "runner.after_done", "shim.before_claim", "shim.after_claim", "shim.after_script", "shim.after_wait",
        "shim.before_leftovers", "shim.before_exit_file", "shim.after_exit_file"}) {
    check_killed_at(point);
  }
}

}  // namespace
}  // namespace werkbank::test
