#include "base/process_tree.hh"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.hh"

namespace werkbank {
namespace {

pid_t start_shell(const std::string& text, const std::string& mark) {
  SpawnPlan plan;
  plan.argv = {"/bin/sh", "-c", text};
  plan.environment = {{"PATH", "/usr/bin:/bin"}, {"WB_TEST_MARK", mark}};
  plan.new_session = true;
  const Result<pid_t> pid = spawn_process(plan);
  REQUIRE(pid);
  return *pid;
}

// Looks until the shell's own children are there; a deadline in place of a sleep.
std::vector<ProcessId> wait_for(const ProcessSelection& selection, size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::vector<ProcessId> found;
  while (std::chrono::steady_clock::now() < deadline) {
    found = find_processes(selection);
    if (found.size() >= count) break;
  }
  return found;
}

TEST_CASE("a whole tree is found by its mark and by its ancestor, and ended even where SIGTERM is ignored") {
  const std::string mark = random_hex(8);
  // A daemon that left session and parent, and a script that does not listen.
  const pid_t shell = start_shell("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 100' &) ; sleep 100; sleep 100", mark);
  ProcessSelection marked;
  marked.variable = "WB_TEST_MARK";
  marked.value = mark;
  CHECK(wait_for(marked, 3).size() >= 3);
  ProcessSelection below;
  below.ancestor = shell;
  CHECK(wait_for(below, 1).size() >= 1);

  ProcessSelection spared = marked;
  spared.spared.insert(shell);
  for (const ProcessId& process : find_processes(spared)) CHECK(process.pid != shell);

  REQUIRE(end_processes(marked, {std::chrono::milliseconds(20), std::chrono::seconds(20)}));
  CHECK(find_processes(marked).empty());
  int status = 0;
  CHECK(waitpid(shell, &status, 0) == shell);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("a polite process ends at SIGTERM, and a stopped one hears it") {
  const std::string mark = random_hex(8);
  const pid_t shell = start_shell("kill -STOP $$; exec sleep 100", mark);
  ProcessSelection marked;
  marked.variable = "WB_TEST_MARK";
  marked.value = mark;
  REQUIRE(wait_for(marked, 1).size() == 1);
  REQUIRE(end_processes(marked, {std::chrono::seconds(100), std::chrono::seconds(1)}));
  int status = 0;
  CHECK(waitpid(shell, &status, 0) == shell);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("nobody is found without a mark, and a part of a mark is none") {
  const std::string mark = random_hex(8);
  const pid_t shell = start_shell("exec sleep 100", mark + "x");
  ProcessSelection marked;
  CHECK(find_processes(marked).empty());
  marked.variable = "WB_TEST_MARK";
  marked.value = mark;
  CHECK(find_processes(marked).empty());
  CHECK(end_processes(marked, {}));
  CHECK(kill(shell, SIGKILL) == 0);
  CHECK(waitpid(shell, nullptr, 0) == shell);
}

}  // namespace
}  // namespace werkbank
