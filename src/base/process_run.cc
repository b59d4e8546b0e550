// run_process of process.hh: a helper's outputs through two pipes and one poll().
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/spawn.hh"

namespace werkbank {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Result<Pipe> open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error(errno, "open a pipe"));
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail(errno_error(errno, "set up a pipe"));
  return pipe;
}

// Takes what is there; past size_max it reads on and drops, so that the helper is never blocked. Closes the pipe at its end.
void drain(Fd& pipe, std::string& text, size_t size_max) {
  std::array<char, 64 * 1024> piece;
  while (pipe) {
    const ssize_t count = ::read(pipe.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      pipe = Fd();
      return;
    }
    text.append(piece.data(), std::min(static_cast<size_t>(count), size_max - text.size()));
  }
}

class HelperRun {
 public:
  HelperRun(pid_t pid, Fd out, Fd err, size_t size_max)
      : pid_(pid), handle_(detail::process_handle(pid)), out_(std::move(out)), err_(std::move(err)), size_max_(size_max) {}

  ProcessResult finish(std::chrono::milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    while (!ended_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0 && !result_.timed_out) {
        result_.timed_out = true;
        // The whole group: a helper's children would hold the pipes and go on.
        if (kill(-pid_, SIGKILL) != 0) kill(pid_, SIGKILL);
      }
      step(result_.timed_out ? std::chrono::milliseconds(1000) : left);
    }
    // A grandchild that lives on may hold the pipes open for ever: what is in them now is the helper's output.
    drain(out_, result_.out, size_max_);
    drain(err_, result_.err, size_max_);
    return std::move(result_);
  }

 private:
  void step(std::chrono::milliseconds pause) {
    // Without a pidfd (an old kernel) the end is looked for every few milliseconds.
    if (!handle_) pause = std::min(pause, std::chrono::milliseconds(5));
    std::array<pollfd, 3> waits = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                                   pollfd{handle_.get(), POLLIN, 0}};
    poll(waits.data(), waits.size(), static_cast<int>(std::clamp<int64_t>(pause.count(), 0, 60'000)));
    drain(out_, result_.out, size_max_);
    drain(err_, result_.err, size_max_);
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno == EINTR)) return;
    ended_ = true;
    if (reaped < 0) return;  // somebody else reaped it; the exit code is lost and stays -1
    result_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  pid_t pid_;
  Fd handle_;
  Fd out_;
  Fd err_;
  size_t size_max_;
  bool ended_ = false;
  ProcessResult result_;
};

}  // namespace

Result<ProcessResult> run_process(const SpawnPlan& plan, std::chrono::milliseconds timeout, size_t size_max) {
  TRY(Pipe out, open_pipe());
  TRY(Pipe err, open_pipe());
  detail::SpawnDescriptors descriptors;
  descriptors.out = out.write_end.get();
  descriptors.err = err.write_end.get();
  descriptors.new_group = true;
  TRY(const pid_t pid, detail::spawn_with(plan, descriptors));
  out.write_end = Fd();
  err.write_end = Fd();
  HelperRun run(pid, std::move(out.read_end), std::move(err.read_end), size_max);
  return run.finish(timeout);
}

}  // namespace werkbank
