// Awaiting operations of a socket on the thread that serves its connection.
#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/system/error_code.hpp>
#include <coroutine>
#include <utility>

namespace werkbank::net {

namespace asio = boost::asio;
using ErrorNumber = boost::system::error_code;

struct IoResult {
  ErrorNumber error;
  size_t count = 0;
};

// Awaits one operation of a socket. `Start` begins it with a completion function; that happens on the connection's own thread,
// and the coroutine goes on there.
template <typename Executor, typename Start>
class OnOwnThread {
 public:
  OnOwnThread(Executor executor, Start start) : executor_(std::move(executor)), start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    // A copy: the coroutine, and this with it, may be gone before dispatch() returns.
    const Executor executor = executor_;
    asio::dispatch(executor, [this, handle] {
      start_([this, handle](ErrorNumber error, size_t count = 0) {
        result_ = {error, count};
        handle.resume();
      });
    });
  }
  IoResult await_resume() const { return result_; }

 private:
  Executor executor_;
  Start start_;
  IoResult result_;
};

}  // namespace werkbank::net
