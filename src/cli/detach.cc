#include "cli/detach.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "cli/context.hh"

namespace werkbank::cli {
namespace {

// A signal handler reaches nothing but globals: the pipe of the one DetachOnInterrupt that lives.
std::atomic<int> interrupt_pipe{-1};

void on_interrupt(int) {
  const int saved = errno;
  const char byte = 'i';
  const int fd = interrupt_pipe.load();
  if (fd >= 0) (void)!write(fd, &byte, 1);
  errno = saved;
}

}  // namespace

DetachOnInterrupt::DetachOnInterrupt(Terminal& terminal, std::string farewell) {
  struct sigaction before{};
  if (sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  read_end_ = Fd(ends[0]);
  write_end_ = Fd(ends[1]);
  interrupt_pipe.store(write_end_.get());
  watcher_ = std::thread([&terminal, farewell = std::move(farewell), fd = read_end_.get()] {
    char byte = 0;
    ssize_t count = 0;
    do {
      count = read(fd, &byte, 1);
    } while (count < 0 && errno == EINTR);
    if (count != 1 || byte != 'i') return;
    terminal.say("\n" + farewell);
    const auto held = terminal.hold();
    // Not exit(): the main thread stands in the middle of its work, and nothing here needs to be tidied up.
    _exit(kExitInterrupted);
  });
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  installed_ = sigaction(SIGINT, &action, nullptr) == 0;
}

DetachOnInterrupt::~DetachOnInterrupt() {
  if (installed_) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    sigaction(SIGINT, &action, nullptr);
  }
  interrupt_pipe.store(-1);
  if (!watcher_.joinable()) return;
  const char end = 'e';
  (void)!write(write_end_.get(), &end, 1);
  watcher_.join();
}

}  // namespace werkbank::cli
