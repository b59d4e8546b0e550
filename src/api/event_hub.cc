#include "api/event_hub.hh"

#include <algorithm>
#include <vector>

namespace werkbank::api {

EventHub::EventHub() : thread_([this] { run(); }) {}

EventHub::~EventHub() { stop(); }

void EventHub::notify() {
  const std::lock_guard lock(mutex_);
  ++position_;
  if (!waiters_.empty()) condition_.notify_one();
}

uint64_t EventHub::position() const {
  const std::lock_guard lock(mutex_);
  return position_;
}

Task<bool> EventHub::wait(uint64_t seen, std::chrono::milliseconds timeout) {
  auto waiter = std::make_shared<Waiter>();  // shared by the list and this frame: either may be done with it first
  waiter->seen = seen;
  waiter->deadline = std::chrono::steady_clock::now() + timeout;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return false;
    if (position_ != seen) co_return true;
    waiters_.push_back(waiter);
    condition_.notify_one();
  }
  co_return co_await waiter->wake;
}

void EventHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  condition_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EventHub::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    auto earliest = now + std::chrono::seconds(60);
    std::vector<std::shared_ptr<Waiter>> due;
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      if (stopping_ || (*waiter)->seen != position_ || (*waiter)->deadline <= now) {
        due.push_back(*waiter);
        waiter = waiters_.erase(waiter);
      } else {
        earliest = std::min(earliest, (*waiter)->deadline);
        ++waiter;
      }
    }
    const bool stopping = stopping_;
    if (!due.empty()) {
      lock.unlock();
      for (const std::shared_ptr<Waiter>& waiter : due) waiter->wake.set(!stopping);
      lock.lock();
      continue;
    }
    if (stopping) return;
    condition_.wait_until(lock, earliest);
  }
}

}  // namespace werkbank::api
