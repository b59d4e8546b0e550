#include "base/task.hh"

namespace werkbank {

bool TaskGroup::spawn(Task<void> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    ++running_;
  }
  detail::run_then(std::move(task), [this] {
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) idle_.notify_all();
  });
  return true;
}

void TaskGroup::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  idle_.wait(lock, [this] { return running_ == 0; });
}

size_t TaskGroup::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace werkbank
