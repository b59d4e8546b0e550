// One connection of the server: reads heads, hands requests to the handler, writes answers, until one side has enough.
// The handler may resume on any thread; every operation on the socket goes back to the connection's own thread first. Internal to
// net/.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "base/task.hh"
#include "net/http.hh"
#include "net/server_stream.hh"
#include "net/worker.hh"

namespace werkbank::net {

class Connection {
 public:
  using Socket = ServerStream::Socket;

  // `tls`: null for a plain connection.
  Connection(ServerState& state, Worker& worker, Fd socket, int family, Peer peer, std::shared_ptr<asio::ssl::context> tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The whole life of a connection. Started and ended on the worker's thread.
  static Task<void> serve(std::unique_ptr<Connection> connection);

  // On the worker's thread.
  void sweep(std::chrono::steady_clock::time_point now);  // closes what has passed its deadline, looks whether the peer is gone
  bool is_idle() const { return is_idle_; }
  void close();

 private:
  struct Exchange;  // one request and its answer
  class Body;
  class Writer;
  friend class Body;
  friend class Writer;

  Task<bool> greet();
  Task<bool> serve_one();
  Task<bool> wait_for_request();
  Task<bool> refuse_head(int status, Error error);
  Task<bool> answer(Exchange& exchange);
  Task<bool> write_answer(Exchange& exchange, Response response);
  Task<bool> write_stream(Exchange& exchange, Response response, std::string head);
  Task<bool> finish_body(Exchange& exchange, bool keep_alive);
  Task<void> linger();
  Task<Status> write_bytes(std::string bytes);
  Task<Status> write_view(std::string_view bytes);  // the bytes live in the caller's frame
  void set_deadline(std::chrono::steady_clock::duration duration);
  void clear_deadline() { deadline_ = 0; }

  ServerState& state_;
  Worker& worker_;
  ServerStream stream_;
  Peer peer_;
  struct Buffer;
  std::unique_ptr<Buffer> buffer_;    // what was read and not yet used
  std::atomic<int64_t> deadline_{0};  // steady_clock ticks; 0: none. Set from the handler's threads
  std::atomic<bool> is_streaming_{false};
  std::atomic<bool> is_peer_gone_{false};
  bool is_idle_ = false;
};

}  // namespace werkbank::net
