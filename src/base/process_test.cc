#include "base/process.hh"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.hh"

using namespace werkbank;
using namespace std::chrono_literals;

namespace {

SpawnPlan shell(std::string script) {
  SpawnPlan plan;
  plan.argv = {"/bin/sh", "-c", std::move(script)};
  plan.environment = {{"PATH", "/usr/bin:/bin"}};
  return plan;
}

int wait_for(pid_t pid) {
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return status;
}

}  // namespace

TEST_CASE("run_process captures both outputs and the exit code") {
  const auto result = run_process(shell("echo out; echo err >&2; exit 3"), 60s).value();
  CHECK(result.exit_code == 3);
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK_FALSE(result.timed_out);
  CHECK(run_process(shell("kill -TERM $$"), 60s).value().exit_code == 128 + SIGTERM);
}

TEST_CASE("run_process cuts what is too long and never blocks the helper") {
  const auto result = run_process(shell("head -c 3000000 /dev/zero; echo done >&2"), 60s, 1000).value();
  CHECK(result.out.size() == 1000);
  CHECK(result.err == "done\n");
  CHECK(result.exit_code == 0);
}

TEST_CASE("run_process ends a helper with its children when the time is over") {
  const auto result = run_process(shell("echo begun; sleep 1000 & wait"), 200ms).value();
  CHECK(result.timed_out);
  CHECK(result.exit_code == 128 + SIGKILL);
  CHECK(result.out == "begun\n");
}

TEST_CASE("run_process does not wait for a grandchild that holds the pipes") {
  const auto result = run_process(shell("sleep 30 & echo $!"), 20s).value();
  CHECK_FALSE(result.timed_out);
  const auto grandchild = static_cast<pid_t>(std::stol(result.out));
  REQUIRE(grandchild > 1);
  kill(grandchild, SIGKILL);
}

TEST_CASE("a process gets the environment, folder and streams of its plan, and nothing else") {
  REQUIRE(setenv("WERKBANK_TEST_LEAK", "1", 1) == 0);
  const auto folder = std::filesystem::temp_directory_path() / ("wb-process-" + random_hex(8));
  REQUIRE(make_directories(folder));
  SpawnPlan plan = shell("pwd; env | grep -c LEAK; echo $A; echo second >&2; ls /proc/self/fd | wc -l");
  plan.environment["A"] = "b c=d";
  plan.working_directory = folder;
  plan.stdout_path = folder / "out";
  plan.stderr_path = plan.stdout_path;
  const int leaked = dup(STDERR_FILENO);  // without O_CLOEXEC
  const pid_t pid = spawn_process(plan).value();
  CHECK(wait_for(pid) == 0);
  close(leaked);
  const std::string text = read_file(folder / "out").value();
  // ls has its own descriptor for the folder besides the three.
  CHECK(text == std::filesystem::canonical(folder).string() + "\n0\nb c=d\nsecond\n4\n");
  CHECK(remove_tree(folder));
}

TEST_CASE("what cannot be started says so") {
  SpawnPlan plan = shell("true");
  plan.argv[0] = "no-such-program-of-ours";
  CHECK(spawn_process(plan).error().code == &errors::not_found);
  plan.argv[0] = "/no/such/program";
  CHECK(spawn_process(plan).error().code == &errors::not_found);
  plan = shell("true");
  plan.working_directory = "/no/such/folder";
  CHECK(spawn_process(plan).error().message.find("/no/such/folder") != std::string::npos);
  plan = shell(std::string("a\0b", 3));
  CHECK(spawn_process(plan).error().code == &errors::invalid_request);
  plan = shell("true");
  plan.environment["A=B"] = "";
  CHECK(spawn_process(plan).error().code == &errors::invalid_request);
  CHECK(spawn_process(SpawnPlan{}).error().code == &errors::invalid_request);
}

TEST_CASE("a process is known by more than its number") {
  const ProcessId self = process_id_of(getpid()).value();
  CHECK(self.start_ticks > 0);
  CHECK(self.boot_id.size() == 36);
  CHECK(is_alive(self));
  ProcessId reused = self;
  ++reused.start_ticks;
  CHECK_FALSE(is_alive(reused));
  CHECK(signal_process(reused, SIGKILL));  // were it sent, this test would end here
  ProcessId rebooted = self;
  rebooted.boot_id = "another";
  CHECK_FALSE(is_alive(rebooted));
  CHECK_FALSE(is_alive(ProcessId{}));
  CHECK(signal_process(ProcessId{}, SIGKILL));
}

TEST_CASE("signals reach a process; a zombie is not alive") {
  SpawnPlan plan = shell("exec sleep 1000");
  plan.new_session = true;
  const pid_t pid = spawn_process(plan).value();
  CHECK(getsid(pid) == pid);
  const ProcessId process = process_id_of(pid).value();
  CHECK(is_alive(process));
  CHECK(signal_process(process, SIGKILL));
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);  // ended, not reaped
  CHECK_FALSE(is_alive(process));
  CHECK(WTERMSIG(wait_for(pid)) == SIGKILL);
  CHECK(signal_process(process, SIGTERM));
}

TEST_CASE("programs are found as a shell finds them") {
  CHECK(find_program("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK(find_program("/bin/sh", "") == "/bin/sh");
  CHECK_FALSE(find_program("sh", ""));
  CHECK_FALSE(find_program("bin", "/"));  // a folder
  CHECK_FALSE(find_program("", "/bin"));
  CHECK(std::filesystem::exists(own_executable()));
  CHECK(current_environment().contains("PATH"));
}
