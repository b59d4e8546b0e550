#include "runner/lifeline.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hh"

namespace werkbank::runner {

Bell::Bell() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { WB_INVARIANT(fd_.get() >= 0); }

void Bell::ring() const {
  const uint64_t one = 1;
  // Fails only where it has been rung too often to count: it rings already then.
  [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof one);
}

void Bell::silence() const {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd_.get(), &count, sizeof count);
}

void Lifeline::lose(const std::string& why) {
  if (lost_.exchange(true, std::memory_order_acq_rel)) return;
  log_warning("attempt lost: {}", why);
  bell_.ring();
}

void Lifeline::pause(std::chrono::milliseconds duration) const {
  pollfd lost{bell_.fd(), POLLIN, 0};
  poll(&lost, 1, static_cast<int>(duration.count()));
}

void Warnings::add(std::string sentence) {
  log_warning("{}", sentence);
  const std::lock_guard lock(mutex_);
  if (sentences_.size() >= kCountMax || std::ranges::find(sentences_, sentence) != sentences_.end()) return;
  sentences_.push_back(std::move(sentence));
}

std::vector<std::string> Warnings::all() const {
  const std::lock_guard lock(mutex_);
  return sentences_;
}

size_t Warnings::count() const {
  const std::lock_guard lock(mutex_);
  return sentences_.size();
}

std::chrono::milliseconds Backoff::next() {
  const std::chrono::milliseconds pause = pause_;
  pause_ = std::min(pause_ * 2, kLongest);
  return pause;
}

}  // namespace werkbank::runner
