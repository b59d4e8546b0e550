// The bytes of one connection of the server, plain or through TLS: what Asio and Beast call an AsyncStream. On the connection's
// own thread only. Internal to net/.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace werkbank::net {

namespace asio = boost::asio;

class ServerStream {
 public:
  using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;
  using executor_type = Socket::executor_type;

  // `tls`: shared with other connections; the one that a reload replaces lives as long as its connections. Null: plain.
  ServerStream(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls) : socket_(context), tls_(std::move(tls)) {
    if (tls_) secured_.emplace(socket_, *tls_);
  }

  Socket& socket() { return socket_; }
  bool is_secured() const { return secured_.has_value(); }
  executor_type get_executor() { return socket_.get_executor(); }

  template <typename Buffers, typename Done>
  auto async_read_some(const Buffers& buffers, Done&& done) {
    if (secured_) return secured_->async_read_some(buffers, std::forward<Done>(done));
    return socket_.async_read_some(buffers, std::forward<Done>(done));
  }
  template <typename Buffers, typename Done>
  auto async_write_some(const Buffers& buffers, Done&& done) {
    if (secured_) return secured_->async_write_some(buffers, std::forward<Done>(done));
    return socket_.async_write_some(buffers, std::forward<Done>(done));
  }
  template <typename Done>
  void async_handshake(Done&& done) {
    secured_->async_handshake(asio::ssl::stream_base::server, std::forward<Done>(done));
  }
  // Tells the peer that this is the end, and not somebody who cut the line.
  template <typename Done>
  void async_farewell(Done&& done) {
    secured_->async_shutdown(std::forward<Done>(done));
  }

 private:
  Socket socket_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::optional<asio::ssl::stream<Socket&>> secured_;
};

}  // namespace werkbank::net
