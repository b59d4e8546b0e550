// Wakes live streams and waiting requests: whoever listens for the events, log bytes or points of a run goes on when there may be
// some, and nobody else does. Carries no data: the stores are the truth, so a doubled wake-up costs nothing, and none is missed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/blocking_pool.hh"
#include "base/task.hh"
#include "domain/run.hh"

namespace werkbank::api {

// What a listener hears of. Made by the functions below; opaque.
struct Topic {
  std::string key;
  static Topic everything();
  static Topic events_of_workspace(const std::string& workspace);
  static Topic events_of_experiment(const std::string& workspace, const std::string& experiment);
  static Topic events_of_run(const RunKey& run);
  static Topic logs_of_run(const RunKey& run);
  static Topic points_of_run(const RunKey& run);
};

class EventHub {
 public:
  // One who listens, as long as the pointer lives. Used by one coroutine at a time.
  class Listener;
  using ListenerPointer = std::shared_ptr<Listener>;  // shared by its owner and a wake-up under way

  // What goes on after a wait does so on the pool, which outlives the hub's stop().
  explicit EventHub(BlockingPool& pool);
  ~EventHub();  // stop()

  // From any thread, after something became durable. Cheap.
  void notify_events(const std::vector<RunEvent>& events);
  void notify_log(const RunKey& run);
  void notify_points(const RunKey& run);
  void notify(const ListenerPointer& listener);  // this one only: for what has no topic

  ListenerPointer listen(const std::vector<Topic>& topics);
  // How often the listener was notified so far; take it before looking at the stores.
  uint64_t position(const ListenerPointer& listener) const;
  // Every event up to this cursor has been notified.
  int64_t last_event() const;
  // Goes on when there was a notification after `seen`, when `timeout` is over, or when the hub stops. False: the hub stops.
  Task<bool> wait(ListenerPointer listener, uint64_t seen, std::chrono::milliseconds timeout);
  void stop();

 private:
  using Deadlines = std::multimap<std::chrono::steady_clock::time_point, ListenerPointer>;
  void run();
  void forget(Listener& listener);
  void notify_topic(const std::string& key, std::vector<ListenerPointer>& woken);
  void raise(Listener& listener, std::vector<ListenerPointer>& woken);
  void wake(const std::vector<ListenerPointer>& woken);

  BlockingPool& pool_;
  mutable std::mutex mutex_;
  std::condition_variable condition_;
  std::unordered_map<std::string, std::vector<Listener*>> by_topic_;
  Deadlines deadlines_;  // of those who wait
  int64_t last_event_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace werkbank::api
