// Wakes live streams: whoever waits for events, log bytes or points of a run goes on when there may be some. Carries no data: the
// stores are the truth, so a missed or doubled wake-up costs nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/task.hh"

namespace werkbank::api {

class EventHub {
 public:
  EventHub();
  ~EventHub();  // stop()

  // From any thread, after something became durable. Cheap.
  void notify();
  // The count of notifications so far; take it before looking at the stores.
  uint64_t position() const;
  // Goes on when there was a notification after `seen`, when `timeout` is over, or when the hub stops. On the hub's thread, so
  // what follows must not block for long. False: the hub stops.
  Task<bool> wait(uint64_t seen, std::chrono::milliseconds timeout);
  void stop();

 private:
  struct Waiter {
    uint64_t seen = 0;
    std::chrono::steady_clock::time_point deadline;
    OneShot<bool> wake;
  };
  void run();

  mutable std::mutex mutex_;
  std::condition_variable condition_;
  uint64_t position_ = 0;
  bool stopping_ = false;
  std::list<std::shared_ptr<Waiter>> waiters_;
  std::thread thread_;
};

}  // namespace werkbank::api
