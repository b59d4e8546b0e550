#include "runner/shim.hh"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.hh"
#include "base/failpoint.hh"
#include "base/log.hh"
#include "base/process_tree.hh"
#include "domain/launch.hh"
#include "runner/lifeline.hh"
#include "runner/memory_kills.hh"
#include "runner/script_process.hh"
#include "runner/slice.hh"

namespace werkbank::runner {
namespace {

// Who ends the tree with signals does not mean the one that has to write down how it ended. SIGKILL stays.
void be_deaf() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) sigaction(signal, &action, nullptr);
}

// The script's status, as waitpid gives it. Orphans of the script come to us (sub-reaper) and are buried on the way.
int wait_for_script(pid_t script) {
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended == script) return status;
    // Only a bug takes our child from us; without it this would turn for ever.
    if (ended < 0 && errno != EINTR) return SIGKILL;
  }
}

// True once there is no child left. Does not wait.
bool bury_children() {
  while (true) {
    const pid_t ended = waitpid(-1, nullptr, WNOHANG);
    if (ended < 0 && errno == ECHILD) return true;
    if (ended == 0) return false;
  }
}

// Every descendant is our child, or below one: what the kernel counts as our children is all there is.
void end_leftovers(int64_t kill_grace_ms) {
  if (bury_children()) return;
  failpoint_kill("shim.before_leftovers");
  ProcessSelection selection;
  selection.ancestor = getpid();
  EndOptions options;
  options.grace = std::chrono::milliseconds(kill_grace_ms);
  const Status ended = end_processes(selection, options, bury_children);
  if (!ended) log_error("leftovers of the script stay: {}", ended.error().to_string());
  bury_children();
}

// The one thing that must not get lost: a full disk is waited for. Without its folder nobody can ask any more.
void write_exit(const WorkFolder& folder, const ExitRecord& record) {
  Backoff backoff;
  while (true) {
    const Status written = write_exit_record(folder, record);
    if (written || written.error().code == &errors::not_found) return;
    log_error("exit.json not written, trying on: {}", written.error().to_string());
    poll(nullptr, 0, static_cast<int>(backoff.next().count()));
  }
}

Status note_process(const std::filesystem::path& path, pid_t pid) {
  TRY(const ProcessId id, process_id_of(pid));
  return write_process_record(path, {id, system_clock().monotonic_now().count()});
}

Result<pid_t> start_script(const LaunchPlan& plan, const WorkFolder& folder) {
  TRY(const TextMap places, read_data_places(folder));
  return spawn_process(script_process(plan, folder, places));
}

Status claim(const WorkFolder& folder, std::optional<FileLock>& lock) {
  TRY(lock, FileLock::try_lock(folder.shim_lock()));
  TRY(const auto earlier, read_process_record(folder.shim()));
  if (earlier) lock.reset();
  if (!lock) return {};
  failpoint_kill("shim.before_claim");
  return note_process(folder.shim(), getpid());
}

}  // namespace

int run_shim(const WorkFolder& folder) {
  be_deaf();
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  std::optional<FileLock> lock;
  if (const Status claimed = claim(folder, lock); !claimed) {
    log_error("shim cannot begin: {}", claimed.error().to_string());
    return 1;
  }
  if (!lock) return 0;  // another shim is at it, or was
  failpoint_kill("shim.after_claim");

  ExitRecord record;
  int64_t kill_grace_ms = 0;
  std::optional<Confinement> confinement;
  MemoryKills before;
  Result<pid_t> script = 0;
  {
    // The plan holds the token: it goes before the long wait.
    const Result<LaunchPlan> plan = read_plan(folder);
    if (plan) kill_grace_ms = plan->kill_grace_ms;
    if (plan) confinement.emplace(folder, plan->slice);
    before = read_memory_kills();  // of the group that the script will be in
    script = plan ? start_script(*plan, folder) : Result<pid_t>(fail(plan.error()));
  }
  failpoint_kill("shim.after_script");
  if (script) {
    if (const Status noted = note_process(folder.script(), *script); !noted)
      log_warning("script.json: {}", noted.error().to_string());
    const int status = wait_for_script(*script);
    if (WIFEXITED(status))
      record.exit_code = WEXITSTATUS(status);
    else
      record.signal = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
    record.oom = was_killed_for_memory(before, read_memory_kills(), record);
    record.ended_ms = system_clock().utc_now_ms();
    failpoint_kill("shim.after_wait");
    end_leftovers(kill_grace_ms);
  } else {
    record.launch_error = script.error().to_string();
    record.ended_ms = system_clock().utc_now_ms();
  }
  if (confinement) confinement->end();
  failpoint_kill("shim.before_exit_file");
  write_exit(folder, record);
  failpoint_kill("shim.after_exit_file");
  return 0;
}

}  // namespace werkbank::runner
