#include "runner/build_command.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.hh"
#include "base/logins.hh"
#include "base/process.hh"

namespace werkbank::runner {
namespace {

constexpr size_t kOutputBytesKept = 1 << 20;

// The only thing a signal handler may touch; the handlers are in place only while a tool runs.
volatile sig_atomic_t stop_asked = 0;
void ask_stop(int) { stop_asked = 1; }

// Of several at once the first and outermost counts.
class StopSignals {
 public:
  StopSignals() {
    if (in_place_++ > 0) return;
    stop_asked = 0;
    struct sigaction action{};
    action.sa_handler = ask_stop;
    sigaction(SIGTERM, &action, &old_term_);
    sigaction(SIGINT, &action, &old_int_);
  }
  ~StopSignals() {
    if (--in_place_ > 0) return;
    sigaction(SIGTERM, &old_term_, nullptr);
    sigaction(SIGINT, &old_int_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  static int in_place_;
  static struct sigaction old_term_;
  static struct sigaction old_int_;
};

int StopSignals::in_place_ = 0;
struct sigaction StopSignals::old_term_{};
struct sigaction StopSignals::old_int_{};

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Shows a tool's output by whole lines: a login in an address is not told, and half a line may hold half an address.
class MaskedEcho {
 public:
  void feed(std::string_view piece) {
    held_ += piece;
    const size_t newline = held_.rfind('\n');
    if (newline != std::string::npos) {
      show(std::string_view(held_).substr(0, newline + 1));
      held_.erase(0, newline + 1);
    }
    if (held_.size() > kLineBytesHeld) finish();
  }
  void finish() {
    show(held_);
    held_.clear();
  }

 private:
  static constexpr size_t kLineBytesHeld = 64 * 1024;
  static void show(std::string_view text) { static_cast<void>(write_all(STDOUT_FILENO, without_logins(text))); }
  std::string held_;
};

// Reads until the tool and everything it started have closed the pipe, or a stop was asked.
void follow(int fd, pid_t pid, Echo echo, std::string& output) {
  std::string buffer(64 * 1024, '\0');
  bool told = false;
  MaskedEcho shown;
  for (;;) {
    if (stop_asked != 0 && !told) {
      kill(-pid, SIGTERM);  // the tool leads a session of its own: its helpers end with it
      told = true;
    }
    // A signal that comes between the test above and poll() is seen at the next turn.
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, 500);
    if (ready <= 0) continue;
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    const std::string_view piece(buffer.data(), static_cast<size_t>(count));
    if (echo == Echo::kShow) shown.feed(piece);
    output += piece;
    if (output.size() > 2 * kOutputBytesKept) output.erase(0, output.size() - kOutputBytesKept);
  }
  shown.finish();
}

}  // namespace

void say(std::string_view line) { static_cast<void>(write_all(STDOUT_FILENO, without_logins(line) + "\n")); }

struct RunningCommand::Process {
  StopSignals signals;
  pid_t pid = -1;
  Fd output;
};

RunningCommand::RunningCommand(std::unique_ptr<Process> process) : process_(std::move(process)) {}
RunningCommand::RunningCommand(RunningCommand&&) noexcept = default;

RunningCommand::~RunningCommand() {
  if (!process_ || process_->pid < 0) return;
  kill(-process_->pid, SIGKILL);
  static_cast<void>(wait_for(process_->pid));
}

Result<RunningCommand> RunningCommand::start(const std::vector<std::string>& argv,
                                             const std::map<std::string, std::string>& environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  auto process = std::make_unique<Process>();
  process->output = Fd(ends[0]);
  const Fd write_end(ends[1]);
  SpawnPlan plan;
  plan.argv = argv;
  plan.environment = environment;
  plan.working_directory = "/";
  plan.new_session = true;
  // The child opens the pipe's other end by its name in /proc before the close-on-exec descriptor goes away.
  plan.stdout_path = fmt::format("/proc/self/fd/{}", write_end.get());
  plan.stderr_path = plan.stdout_path;
  TRY(process->pid, spawn_process(plan));
  return RunningCommand(std::move(process));
}

Result<CommandResult> RunningCommand::finish(Echo echo) {
  CommandResult result;
  follow(process_->output.get(), process_->pid, echo, result.output);
  result.exit_code = wait_for(std::exchange(process_->pid, -1));
  if (stop_asked != 0) return fail(errors::environment_failed, "the build was stopped");
  return result;
}

Result<CommandResult> run_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
                                  Echo echo) {
  TRY(RunningCommand command, RunningCommand::start(argv, environment));
  return command.finish(echo);
}

}  // namespace werkbank::runner
