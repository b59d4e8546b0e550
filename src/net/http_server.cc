#include "net/http_server.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "base/log.hh"
#include "net/connection.hh"
#include "net/problem.hh"
#include "net/response_head.hh"
#include "net/socket.hh"

namespace werkbank::net {
namespace {

using ErrorNumber = boost::system::error_code;
using std::chrono::milliseconds;

// Sent without a look at the request.
std::string too_many_connections() {
  Response response;
  response.status = 503;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Retry-After", "1"}};
  response.body =
      problem_json(Error{&errors::unavailable, "the server has too many connections", "Try again in a moment.", {}}, 503, "");
  const HeadPlan plan{.framing = Framing::kLength, .length = response.body.size(), .keep_alive = false};
  return response_head(response, plan) + response.body;
}

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6->sin6_port));
  }
  const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&address);
  inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  return fmt::format("{}:{}", text.data(), ntohs(v4->sin_port));
}

// Nothing where the kernel does not tell who it is: such a connection is not served.
std::optional<Peer> peer_of(int fd, const sockaddr_storage& address) {
  Peer peer;
  if (address.ss_family == AF_INET || address.ss_family == AF_INET6) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer.address = address_text(address);
    return peer;
  }
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  peer.unix_socket = true;
  peer.uid = credentials.uid;
  peer.address = "unix";
  return peer;
}

// A Unix socket's file, known by its number: at the end it is removed only if it is still ours.
struct SocketFile {
  std::filesystem::path path;
  dev_t device = 0;
  ino_t number = 0;

  void remove() const {
    struct stat status{};
    if (path.empty() || ::lstat(path.c_str(), &status) != 0) return;
    if (status.st_dev == device && status.st_ino == number) ::unlink(path.c_str());
  }
};

struct Listener {
  Listener(asio::io_context& context, Fd socket, SocketFile socket_file)
      : descriptor(context, socket.release()), retry(context), file(std::move(socket_file)) {}
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer retry;  // after running out of descriptors
  SocketFile file;
};

}  // namespace

// -- Worker

void Worker::start() {
  thread_ = std::thread([this] {
    const auto work = asio::make_work_guard(context_);
    context_.run();
  });
}

void Worker::join() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::add(Connection& connection) {
  connections_.insert(&connection);
  if (!std::exchange(is_sweeping_, true)) sweep();
}

// Runs while there are connections; an idle server does not wake up.
void Worker::sweep() {
  const auto now = std::chrono::steady_clock::now();
  for (Connection* const connection : connections_) connection->sweep(now);
  if (connections_.empty()) {
    is_sweeping_ = false;
    return;
  }
  const milliseconds shortest = std::min(state_.config.idle_timeout, state_.config.request_timeout);
  sweep_timer_.expires_after(std::clamp(shortest / 4, milliseconds(50), milliseconds(1000)));
  sweep_timer_.async_wait([this](ErrorNumber error) {
    if (!error) sweep();
  });
}

void Worker::close_connections(bool only_idle) {
  for (Connection* const connection : connections_) {
    if (!only_idle || connection->is_idle()) connection->close();
  }
}

// -- HttpServer

struct HttpServer::Impl {
  ServerState state;
  TaskGroup connections;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::atomic<size_t> next_worker{0};
  bool is_started = false;
  bool is_stopped = false;
  std::mutex stop_mutex;
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;  // shared with the connections that began with it; under tls_mutex

  std::shared_ptr<asio::ssl::context> tls_for(int family) {
    const std::lock_guard lock(tls_mutex);
    return family == AF_UNIX ? nullptr : tls;
  }

  Worker& worker() { return *workers[next_worker.fetch_add(1, std::memory_order_relaxed) % workers.size()]; }

  void listen(Fd socket, SocketFile file) {
    listeners.push_back(std::make_unique<Listener>(workers[0]->context(), std::move(socket), std::move(file)));
    asio::post(workers[0]->context(), [this, listener = listeners.back().get()] { wait(*listener); });
  }

  // On the first worker's thread, as the next three.
  void wait(Listener& listener) {
    listener.descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this, &listener](ErrorNumber error) {
      if (error || state.stopping) return;
      accept(listener);
    });
  }

  void accept(Listener& listener) {
    for (;;) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      Fd socket(::accept4(listener.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        begin(std::move(socket), address);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return wait(listener);
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return pause(listener, errno);
    }
  }

  // Out of descriptors or memory: those who wait stay in the backlog.
  void pause(Listener& listener, int error) {
    log_error("accept failed error={:?}", std::strerror(error));
    listener.retry.expires_after(milliseconds(100));
    listener.retry.async_wait([this, &listener](ErrorNumber failed) {
      if (!failed && !state.stopping) wait(listener);
    });
  }

  void begin(Fd socket, const sockaddr_storage& address) {
    std::optional<Peer> peer = peer_of(socket.get(), address);
    if (!peer) return;
    {
      const std::lock_guard lock(state.mutex);
      if (state.open_connections >= state.config.connections_max) {
        const std::string answer = too_many_connections();
        ::send(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::shutdown(socket.get(), SHUT_WR);
        return;
      }
      ++state.open_connections;
    }
    Worker& target = worker();
    const int family = address.ss_family;
    // shared_ptr: what is posted must be copyable; it holds the one unique_ptr until the connection's thread takes it.
    auto box = std::make_shared<std::unique_ptr<Connection>>(
        std::make_unique<Connection>(state, target, std::move(socket), family, std::move(*peer), tls_for(family)));
    asio::post(target.context(), [this, box] { connections.spawn(Connection::serve(std::move(*box))); });
  }

  // Runs on every worker's thread and waits until it has.
  void on_each_worker(const std::function<void(Worker&)>& call) {
    std::mutex mutex;
    std::condition_variable changed;
    size_t left = workers.size();
    for (const auto& worker_pointer : workers) {
      asio::post(worker_pointer->context(), [&, target = worker_pointer.get()] {
        call(*target);
        const std::lock_guard lock(mutex);
        --left;
        changed.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return left == 0; });
  }

  void stop_running(milliseconds grace) {
    on_each_worker([this](Worker& target) {
      if (&target == workers[0].get()) {
        for (const auto& listener : listeners) {
          ErrorNumber ignored;
          listener->descriptor.close(ignored);
          listener->retry.cancel();
        }
      }
      for (asio::steady_timer* const timer : target.sleepers()) timer->cancel();
      target.close_connections(true);
    });
    {
      std::unique_lock lock(state.mutex);
      state.changed.wait_for(lock, grace, [this] { return state.open_connections == 0; });
    }
    on_each_worker([](Worker& target) { target.close_connections(false); });
    connections.stop();
  }
};

HttpServer::HttpServer(ServerConfig config, Handler handler) : impl_(std::make_unique<Impl>()) {
  impl_->state.config = config;
  impl_->state.handler = std::move(handler);
  const size_t threads = std::max<size_t>(config.threads, 1);
  for (size_t i = 0; i < threads; ++i) impl_->workers.push_back(std::make_unique<Worker>(impl_->state));
}

HttpServer::~HttpServer() { stop(); }

Status HttpServer::listen_unix(const std::filesystem::path& path) {
  TRY(Fd socket, listen_on_unix(path));
  SocketFile file{std::filesystem::absolute(path)};
  struct stat status{};
  if (::lstat(file.path.c_str(), &status) == 0) {
    file.device = status.st_dev;
    file.number = status.st_ino;
  }
  impl_->listen(std::move(socket), std::move(file));
  return {};
}

Status HttpServer::use_tls(const TlsFiles& files) {
  const auto refuse = [](const std::filesystem::path& file, const ErrorNumber& error) {
    return fail(errors::usage, fmt::format("{} cannot be used for TLS: {}", file.string(), error.message()),
                "--tls-cert takes a PEM file with the certificate (and its chain), --tls-key its unencrypted private key.");
  };
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::single_dh_use);
  ErrorNumber error;
  context->use_certificate_chain_file(files.certificate.string(), error);
  if (error) return refuse(files.certificate, error);
  context->use_private_key_file(files.key.string(), asio::ssl::context::pem, error);
  if (error) return refuse(files.key, error);
  const std::lock_guard lock(impl_->tls_mutex);
  impl_->tls = std::move(context);
  return {};
}

Result<uint16_t> HttpServer::listen_tcp(const std::string& host_port) {
  TRY(const HostPort address, parse_host_port(host_port));
  TRY(Fd socket, listen_on_tcp(address));
  TRY(const uint16_t port, port_of(socket));
  impl_->listen(std::move(socket), {});
  return port;
}

Status HttpServer::start() {
  if (impl_->is_started) return fail(errors::internal, "the HTTP server is started twice");
  impl_->is_started = true;
  for (const auto& worker : impl_->workers) worker->start();
  return {};
}

void HttpServer::stop(milliseconds grace) {
  const std::lock_guard lock(impl_->stop_mutex);
  if (std::exchange(impl_->is_stopped, true)) return;
  // First the name: whoever comes now starts a server instead of meeting one that ends.
  for (const auto& listener : impl_->listeners) listener->file.remove();
  impl_->state.stopping = true;
  if (impl_->is_started) impl_->stop_running(grace);
  for (const auto& worker : impl_->workers) worker->join();
  impl_->listeners.clear();
}

size_t HttpServer::open_connections() const {
  const std::lock_guard lock(impl_->state.mutex);
  return impl_->state.open_connections;
}

namespace {

// The timer lives in the awaiting coroutine's frame; its thread knows of it so that stop() can cut it short.
class Sleep {
 public:
  Sleep(Worker& worker, const ServerState& state, milliseconds duration)
      : worker_(worker), state_(state), duration_(duration), timer_(worker.context()) {}
  bool await_ready() const { return state_.stopping; }
  void await_suspend(std::coroutine_handle<> handle) {
    asio::post(worker_.context(), [this, handle] {
      if (state_.stopping) return handle.resume();
      timer_.expires_after(duration_);
      worker_.sleepers().insert(&timer_);
      timer_.async_wait([this, handle](ErrorNumber) {
        worker_.sleepers().erase(&timer_);
        handle.resume();
      });
    });
  }
  void await_resume() const {}

 private:
  Worker& worker_;
  const ServerState& state_;
  const milliseconds duration_;
  asio::steady_timer timer_;
};

}  // namespace

Task<void> HttpServer::sleep(milliseconds duration) {
  Sleep sleep(impl_->worker(), impl_->state, duration);
  co_await sleep;
}

}  // namespace werkbank::net
