#include "runner/script_watch.hh"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/clock.hh"
#include "base/failpoint.hh"
#include "base/limits.hh"
#include "base/log.hh"
#include "base/process_tree.hh"

namespace werkbank::runner {
namespace {

using std::chrono::milliseconds;

// Without events from the kernel, and for a deadline far off, the files are looked at this often.
constexpr milliseconds kLookEvery{60'000};
constexpr milliseconds kLookEveryBlind{20};

bool is_there(const std::filesystem::path& path) { return access(path.c_str(), F_OK) == 0; }

// A shim that was killed before it claimed the folder has started nothing: so many are tried.
constexpr int kShimTries = 3;

// True once a shim has claimed the folder; false where ours ended without having claimed it, and another one may do better.
Result<bool> wait_for_claim(const AttemptContext& context, ScriptWatch& watch, pid_t pid, int tries) {
  const Fd handle = process_handle(pid);
  while (!context.lifeline.is_lost()) {
    int status = 0;
    const bool has_ended = waitpid(pid, &status, WNOHANG) == pid;
    TRY(const ScriptState state, script_state(context.folder));
    if (state != ScriptState::kNotStarted) return true;
    if (has_ended && WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
    if (has_ended && WIFSIGNALED(status) && tries < kShimTries) return false;
    if (has_ended) {
      return fail(errors::launch_failed,
                  fmt::format("the script's parent process could not begin (status {}); runner.log says why", status));
    }
    watch.wait_for_change(handle.get(), context.lifeline.fd(), handle ? milliseconds(1000) : kLookEveryBlind);
  }
  return fail(errors::lease_lost, "another attempt has taken over this run");
}

}  // namespace

Result<ScriptState> script_state(const WorkFolder& folder) {
  if (is_there(folder.exit())) return ScriptState::kEnded;
  TRY(const auto shim, read_process_record(folder.shim()));
  if (!shim) return ScriptState::kNotStarted;
  if (is_alive(shim->id)) return ScriptState::kRunning;
  // It may have written its last word between the two looks.
  return is_there(folder.exit()) ? ScriptState::kEnded : ScriptState::kLost;
}

Status start_shim(const AttemptContext& context) {
  SpawnPlan plan;
  std::filesystem::path program = own_executable();
  if (!is_there(program))
    program = "/proc/self/exe";  // replaced by a newer one meanwhile: the file that runs still can be started
  plan.argv = {program.native(), "shim", context.folder.root.native()};
  plan.environment = {{std::string(kAttemptMarkVariable), attempt_mark(context.plan)}};
  pass_open_files_limit(plan.environment, context.open_files);
  const auto own = current_environment();
  for (const char* const failpoints : {"WERKBANK_FAILPOINTS", "WERKBANK_FAILPOINTS_ONCE"}) {
    if (const auto armed = own.find(failpoints); armed != own.end()) plan.environment.insert(*armed);
  }
  plan.stdout_path = context.folder.runner_log();
  plan.stderr_path = context.folder.runner_log();
  plan.working_directory = context.folder.root;
  plan.new_session = true;
  ScriptWatch watch(context.folder);
  for (int tries = 1; !context.lifeline.is_lost(); ++tries) {
    failpoint_kill("runner.before_spawn");
    TRY(const pid_t pid, spawn_process(plan));
    failpoint_kill("runner.after_spawn");
    TRY(const bool is_claimed, wait_for_claim(context, watch, pid, tries));
    if (is_claimed) return {};
    // It was killed, or met the lock of an older runner's shim; that one claims the folder now, or has died before it could.
    context.lifeline.pause(kLookEveryBlind);
    TRY(const ScriptState state, script_state(context.folder));
    if (state != ScriptState::kNotStarted) return {};
  }
  return fail(errors::lease_lost, "another attempt has taken over this run");
}

ScriptWatch::ScriptWatch(const WorkFolder& folder) : folder_(folder), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (inotify_ && inotify_add_watch(inotify_.get(), folder_.root.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
    inotify_ = Fd();
}

void ScriptWatch::wait_for_change(int other_fd, int lifeline_fd, milliseconds at_most) {
  std::array<pollfd, 4> polled{};
  size_t count = 0;
  for (const int fd : {other_fd, lifeline_fd, inotify_.get(), shim_.get()}) {
    if (fd >= 0) polled[count++] = {fd, POLLIN, 0};
  }
  const milliseconds pause = inotify_ ? at_most : std::min(at_most, kLookEveryBlind);
  poll(polled.data(), count, static_cast<int>(pause.count()));
  std::array<char, 4096> events{};
  while (inotify_ && read(inotify_.get(), events.data(), events.size()) > 0) {}
}

Result<ScriptWatch::Event> ScriptWatch::wait(const Interest& interest, const Bell& dismissed, const Lifeline& lifeline) {
  TRY(const auto shim, read_process_record(folder_.shim()));
  if (!shim_ && shim) shim_ = process_handle(shim->id.pid);
  while (true) {
    if (lifeline.is_lost()) return Event::kLeaseLost;
    TRY(const ScriptState state, script_state(folder_));
    if (state != ScriptState::kRunning) return Event::kEnded;
    if (interest.cancel && is_there(folder_.cancel())) return Event::kCancelAsked;
    milliseconds pause = kLookEvery;
    if (interest.deadline) {
      const milliseconds left = *interest.deadline - system_clock().monotonic_now();
      if (left <= milliseconds(0)) return Event::kTimeUp;
      pause = std::min(pause, left + milliseconds(1));
    }
    pollfd rung{dismissed.fd(), POLLIN, 0};
    if (poll(&rung, 1, 0) > 0) {
      dismissed.silence();
      if (!is_there(folder_.cancel())) return Event::kDismissed;
      if (interest.cancel) return Event::kCancelAsked;
    }
    wait_for_change(dismissed.fd(), lifeline.fd(), pause);
  }
}

}  // namespace werkbank::runner
