// Threads for calls that block (SQLite, file systems, libssh). Coroutines hand such a call over and go on on the pool's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/task.hh"

namespace werkbank {

class BlockingPool {
 public:
  explicit BlockingPool(size_t thread_count);
  ~BlockingPool();  // stop()
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Calls run in the order they were posted, on any of the threads. After stop() the poster's thread runs the call at once, so
  // that no coroutine is left waiting.
  void post(std::function<void()> call);
  void stop();  // runs what is queued, then joins; not from a thread of the pool

  // co_await pool.run([&] { return blocking(); })
  template <typename Call>
  auto run(Call call) -> Task<std::invoke_result_t<Call>> {
    using Value = std::invoke_result_t<Call>;
    OneShot<Value> done;
    post([&done, &call] { done.set(call()); });
    co_return co_await done;
  }

 private:
  void work();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace werkbank
