// Task<T>: Werkbank's coroutine. Lazy: it starts when awaited. It has no thread of its own and no affinity: after a
// co_await it goes on wherever the awaited thing was completed, so code between two awaits must not rely on the thread
// it runs on. Rules (CONTRIBUTING.md): parameters by value, one co_await per statement, no lock or transaction held across one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.hh"

namespace werkbank {

template <typename T>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      const std::coroutine_handle<> next = handle.promise().continuation;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  // Failures are Results. An exception that reaches a coroutine's edge is a bug of an adapter that should have caught it.
  void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() noexcept {}
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> continuation) noexcept {
      handle.promise().continuation = continuation;
      return handle;
    }
    T await_resume() {
      if constexpr (!std::is_void_v<T>) return std::move(*handle.promise().value);
    }
  };
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {
template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

// A coroutine that destroys itself when it ends; only start_detached, TaskGroup and sync_wait make one.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};
template <typename T, typename Done>
Detached run_then(Task<T> task, Done done) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    done();
  } else {
    T value = co_await std::move(task);
    done(std::move(value));
  }
}
}  // namespace detail

// Owns running tasks. stop() refuses new ones and waits until all have ended: nothing outlives its owner.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { stop(); }

  // Starts the task on the calling thread, up to its first suspension. False (and the task dropped) after stop().
  bool spawn(Task<void> task);
  void stop();
  size_t running() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  size_t running_ = 0;
  bool stopped_ = false;
};

// Runs the task and blocks the calling thread until it has ended. For main(), tests and blocking adapters only.
template <typename T>
T sync_wait(Task<T> task) {
  struct State {
    std::mutex mutex;
    std::condition_variable condition;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  } state;
  if constexpr (std::is_void_v<T>) {
    detail::run_then(std::move(task), [&state] {
      const std::lock_guard lock(state.mutex);
      state.value.emplace(true);
      state.condition.notify_one();
    });
  } else {
    detail::run_then(std::move(task), [&state](T value) {
      const std::lock_guard lock(state.mutex);
      state.value.emplace(std::move(value));
      state.condition.notify_one();
    });
  }
  std::unique_lock lock(state.mutex);
  state.condition.wait(lock, [&state] { return state.value.has_value(); });
  if constexpr (!std::is_void_v<T>) return std::move(*state.value);
}

// A value that one party sets once and one coroutine awaits. set() may come from any thread, before or after the await;
// the awaiting coroutine goes on on the setter's thread. Lives in a shared_ptr where setter and awaiter have other lifetimes.
template <typename T>
class OneShot {
 public:
  void set(T value) {
    value_.emplace(std::move(value));
    void* const waiter = state_.exchange(kSet, std::memory_order_acq_rel);
    if (waiter != nullptr) std::coroutine_handle<>::from_address(waiter).resume();
  }
  bool await_ready() const noexcept { return state_.load(std::memory_order_acquire) == kSet; }
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    void* expected = nullptr;
    return state_.compare_exchange_strong(expected, handle.address(), std::memory_order_acq_rel);
  }
  T await_resume() { return std::move(*value_); }

 private:
  static inline char set_marker_;
  static inline void* const kSet = &set_marker_;
  std::optional<T> value_;
  std::atomic<void*> state_{nullptr};
};

}  // namespace werkbank
