#include "runner/build_command.hh"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/process.hh"

namespace werkbank::runner {
namespace {

std::vector<std::string> shell(const char* script) { return {"/bin/sh", "-c", script}; }

bool has_children() {
  const pid_t waited = waitpid(-1, nullptr, WNOHANG);
  return waited >= 0 || errno != ECHILD;
}

}  // namespace

TEST_CASE("two tools run at once") {
  auto first = RunningCommand::start(shell("echo one; exit 3"), current_environment());
  REQUIRE(first);
  const auto second = run_command(shell("echo two; echo three >&2"), current_environment(), Echo::kHide);
  REQUIRE(second);
  CHECK(second->output == "two\nthree\n");
  CHECK(second->exit_code == 0);
  const auto result = first->finish(Echo::kHide);
  REQUIRE(result);
  CHECK(result->output == "one\n");
  CHECK(result->exit_code == 3);
  CHECK_FALSE(has_children());
}

TEST_CASE("a tool that nobody waits for is ended") {
  {
    auto dropped = RunningCommand::start(shell("trap '' TERM INT; sleep 1000"), current_environment());
    REQUIRE(dropped);
  }
  CHECK_FALSE(has_children());
}

TEST_CASE("a stop ends all tools, and is forgotten with them") {
  struct sigaction before{};
  REQUIRE(sigaction(SIGTERM, nullptr, &before) == 0);
  {
    auto outer = RunningCommand::start(shell("sleep 1000"), current_environment());
    REQUIRE(outer);
    const auto inner = run_command(shell("kill -TERM $PPID; sleep 1000"), current_environment(), Echo::kHide);
    REQUIRE_FALSE(inner);
    CHECK(inner.error().message == "the build was stopped");
    const auto next = run_command(shell("sleep 1000"), current_environment(), Echo::kHide);
    REQUIRE_FALSE(next);
  }
  CHECK_FALSE(has_children());
  struct sigaction now{};
  REQUIRE(sigaction(SIGTERM, nullptr, &now) == 0);
  CHECK((now.sa_handler == before.sa_handler));
  CHECK(run_command(shell("true"), current_environment(), Echo::kHide).has_value());
}

}  // namespace werkbank::runner
