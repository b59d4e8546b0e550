// One thread of the server with its io_context. Everything in it belongs to that thread: a connection's socket is touched nowhere
// else, so nothing here is locked. Internal to net/.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "net/http_server.hh"

namespace werkbank::net {

namespace asio = boost::asio;

class Connection;

// What all threads and connections share. Outlives them.
struct ServerState {
  ServerConfig config;
  Handler handler;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable changed;
  size_t open_connections = 0;  // under mutex
};

class Worker {
 public:
  explicit Worker(ServerState& state) : state_(state), sweep_timer_(context_) {}

  asio::io_context& context() { return context_; }
  void start();
  void join();  // lets the thread end; nothing that was posted and not begun runs after this

  // On this thread only.
  void add(Connection& connection);
  void remove(Connection& connection) { connections_.erase(&connection); }
  void close_connections(bool only_idle);
  std::set<asio::steady_timer*>& sleepers() { return sleepers_; }

 private:
  void sweep();
  ServerState& state_;
  asio::io_context context_{1};
  std::thread thread_;
  std::set<Connection*> connections_;
  std::set<asio::steady_timer*> sleepers_;
  asio::steady_timer sweep_timer_;
  bool is_sweeping_ = false;
};

}  // namespace werkbank::net
