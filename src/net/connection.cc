#include "net/connection.hh"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/none.hpp>
#include <cerrno>
#include <span>

#include "base/log.hh"
#include "base/text.hh"
#include "net/own_thread.hh"
#include "net/problem.hh"
#include "net/response_head.hh"
#include "net/url.hh"

namespace werkbank::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Parser = http::request_parser<http::buffer_body>;

constexpr size_t kPieceBytes = 64 * 1024;
// What a handler gets of a body at a time: each piece costs it a way to another thread and back.
constexpr size_t kBodyPieceBytes = 256 * 1024;
// How much of a body that nobody wanted is read so that the connection can go on.
constexpr uint64_t kDrainBytesMax = 256 * 1024;
constexpr std::chrono::seconds kLinger{2};

bool is_repeatable(std::string_view name) {
  return name != "host" && name != "authorization" && name != "content-length" && name != "transfer-encoding" && name != "expect";
}

// The parsed head as a plain value. Refuses what two readers may understand differently.
Result<Request> request_of(const Parser::value_type& head, Peer peer) {
  Request request;
  const std::optional<Method> method = parse_method(std::string_view(head.method_string()));
  if (!method) {
    return fail(errors::not_supported,
                fmt::format("the method {} is not known", std::string(head.method_string()).substr(0, 40)));
  }
  request.method = *method;
  request.target = std::string(head.target());
  TRY(Target target, parse_target(request.target));
  request.path = std::move(target.path);
  request.segments = std::move(target.segments);
  request.query = std::move(target.query);
  for (const auto& field : head) {
    std::string name = lower(std::string_view(field.name_string()));
    const std::string value(field.value());
    if (!is_valid_utf8(value)) return fail(errors::invalid_request, fmt::format("the header {} is not valid UTF-8", name));
    const auto [entry, is_new] = request.headers.try_emplace(std::move(name), value);
    if (is_new) continue;
    if (!is_repeatable(entry->first))
      return fail(errors::invalid_request, fmt::format("the header {} is there twice", entry->first));
    entry->second += ", " + value;
  }
  if (request.headers.contains("content-length") && request.headers.contains("transfer-encoding")) {
    return fail(errors::invalid_request, "the request has both Content-Length and Transfer-Encoding");
  }
  request.peer = std::move(peer);
  return request;
}

bool is_disconnect(const ErrorNumber& error) {
  return error == http::error::end_of_stream || error == http::error::partial_message ||
         error == asio::error::operation_aborted || error.category() == boost::system::system_category() ||
         error == asio::error::eof || error.category() == asio::error::get_ssl_category() ||
         error.category() == asio::ssl::error::get_stream_category();
}

}  // namespace

struct Connection::Buffer {
  beast::flat_buffer bytes;
};

struct Connection::Exchange {
  Parser parser;
  Request request;
  std::optional<uint64_t> left;  // of a body whose length is known: it is read past the parser, into the handler's piece
  bool has_whole_body() const { return left ? *left == 0 : parser.is_done(); }
  bool wants_continue = false;  // the client waits for "100 Continue" before it sends the body
  bool is_http11 = true;
};

// Reads the body when the handler asks for it.
class Connection::Body final : public BodyReader {
 public:
  Body(Connection& connection, Exchange& exchange) : connection_(connection), exchange_(exchange) {}

  Task<Result<std::string>> next() override {
    if (failure_) co_return fail(*failure_);
    if (exchange_.has_whole_body()) co_return std::string();
    const auto announced = exchange_.parser.content_length();
    if (announced && *announced > limit()) co_return refuse_size(limit());
    if (std::exchange(exchange_.wants_continue, false)) {
      std::string line = "HTTP/1.1 100 Continue\r\n\r\n";
      Status sent = co_await connection_.write_bytes(std::move(line));
      if (!sent) co_return refuse(errors::invalid_request, "the client has gone before it sent the body");
    }
    std::string piece(exchange_.left ? std::min<uint64_t>(*exchange_.left, kBodyPieceBytes) : kBodyPieceBytes, '\0');
    size_t filled = 0;
    while (filled < piece.size() && !exchange_.has_whole_body()) {
      const std::span<char> room = std::span(piece).subspan(filled);
      Task<IoResult> reading = exchange_.left ? read_plain(room) : read_chunks(room);
      const IoResult io = co_await std::move(reading);
      filled += io.count;
      if (!io.error) continue;
      if (is_disconnect(io.error)) co_return refuse(errors::invalid_request, truncation(filled));
      co_return refuse(errors::invalid_request, "the body is not well formed: " + io.error.message());
    }
    piece.resize(filled);
    taken_ += filled;
    if (taken_ > limit()) co_return refuse_size(limit());
    co_return piece;
  }

  Task<Result<std::string>> all(size_t size_max) override {
    const auto announced = exchange_.parser.content_length();
    if (announced && *announced > size_max) co_return refuse_size(size_max);
    std::string whole;
    for (;;) {
      Result<std::string> piece = co_await next();
      if (!piece) co_return fail(piece.error());
      if (piece->empty()) co_return whole;
      if (whole.size() + piece->size() > size_max) co_return refuse_size(size_max);
      whole += *piece;
    }
  }

  bool has_failed() const { return failure_.has_value(); }

 private:
  // First what came along with the head, then straight from the socket. The room is in the caller's frame.
  Task<IoResult> read_plain(std::span<char> room) {
    beast::flat_buffer& ahead = connection_.buffer_->bytes;
    IoResult io;
    if (ahead.size() > 0) {
      io.count = asio::buffer_copy(asio::buffer(room.data(), room.size()), ahead.data());
      ahead.consume(io.count);
    } else {
      connection_.set_deadline(connection_.state_.config.request_timeout);
      io = co_await OnOwnThread(connection_.stream_.get_executor(), [this, room](auto done) {
        connection_.stream_.async_read_some(asio::buffer(room.data(), room.size()), std::move(done));
      });
      connection_.clear_deadline();
    }
    *exchange_.left -= io.count;
    co_return io;
  }

  Task<IoResult> read_chunks(std::span<char> room) {
    auto& body = exchange_.parser.get().body();
    body.data = room.data();
    body.size = room.size();
    body.more = true;
    connection_.set_deadline(connection_.state_.config.request_timeout);
    IoResult io = co_await OnOwnThread(connection_.stream_.get_executor(), [this](auto done) {
      beast::flat_buffer& buffer = connection_.buffer_->bytes;
      buffer.reserve(kPieceBytes);  // as much as is free is read at a time
      http::async_read_some(connection_.stream_, buffer, exchange_.parser, std::move(done));
    });
    connection_.clear_deadline();
    io.count = room.size() - body.size;
    if (io.error == http::error::need_buffer) io.error = {};
    co_return io;
  }

  uint64_t limit() const { return connection_.state_.config.body_bytes_max; }
  std::string truncation(size_t read) const {
    const auto announced = exchange_.parser.content_length();
    if (!announced) return fmt::format("the body is truncated: it ends after {} bytes, before its last chunk", taken_ + read);
    return fmt::format("the body is truncated: it ends after {} of {} bytes", taken_ + read, *announced);
  }
  std::unexpected<Error> refuse(const ErrorCode& code, std::string message) {
    failure_ = Error{&code, std::move(message), {}, {}};
    return fail(*failure_);
  }
  std::unexpected<Error> refuse_size(uint64_t size_max) {
    return refuse(errors::too_large, fmt::format("the body is larger than {} bytes", size_max));
  }

  Connection& connection_;
  Exchange& exchange_;
  uint64_t taken_ = 0;
  std::optional<Error> failure_;
};

class Connection::Writer final : public BodyWriter {
 public:
  Writer(Connection& connection, Framing framing, uint64_t length) : connection_(connection), framing_(framing), left_(length) {}

  Task<Status> write(std::string bytes) override {
    if (bytes.empty()) co_return Status();
    if (has_failed_) co_return fail(errors::unavailable, "the client has gone");
    if (framing_ == Framing::kLength) {
      if (bytes.size() > left_) {
        has_failed_ = true;
        co_return fail(errors::internal, "an answer is longer than its Content-Length");
      }
      left_ -= bytes.size();
    } else if (framing_ == Framing::kChunked) {
      bytes.insert(0, fmt::format("{:x}\r\n", bytes.size()));
      bytes += "\r\n";
    }
    Status sent = co_await connection_.write_bytes(std::move(bytes));
    has_failed_ = !sent;
    co_return sent;
  }

  bool is_closed() const override { return has_failed_ || connection_.is_peer_gone_ || connection_.state_.stopping; }

  // Whether the peer can tell that it has all.
  Task<bool> finish() {
    if (has_failed_ || (framing_ == Framing::kLength && left_ > 0)) co_return false;
    if (framing_ != Framing::kChunked) co_return true;
    std::string end = "0\r\n\r\n";
    Status sent = co_await connection_.write_bytes(std::move(end));
    co_return sent.has_value();
  }

 private:
  Connection& connection_;
  const Framing framing_;
  uint64_t left_;
  bool has_failed_ = false;
};

Connection::Connection(ServerState& state, Worker& worker, Fd socket, int family, Peer peer,
                       std::shared_ptr<asio::ssl::context> tls)
    : state_(state),
      worker_(worker),
      stream_(worker.context(), std::move(tls)),
      peer_(std::move(peer)),
      buffer_(std::make_unique<Buffer>()) {
  ErrorNumber error;
  stream_.socket().assign(asio::generic::stream_protocol(family, 0), socket.get(), error);
  if (!error) socket.release();  // else the first read fails and the connection ends
  buffer_->bytes.max_size(state.config.header_bytes_max + 2 * kPieceBytes);
}

Connection::~Connection() {
  close();
  const std::lock_guard lock(state_.mutex);
  --state_.open_connections;
  state_.changed.notify_all();
}

Task<void> Connection::serve(std::unique_ptr<Connection> connection) {
  connection->worker_.add(*connection);
  bool goes_on = co_await connection->greet();
  while (goes_on) goes_on = co_await connection->serve_one();
  // The handler may have left us on another thread.
  co_await OnOwnThread(connection->stream_.get_executor(), [](auto done) { done({}); });
  connection->worker_.remove(*connection);
  connection.reset();
}

// Who does not speak TLS where it is spoken is not answered: there is no way to do it that they would understand.
Task<bool> Connection::greet() {
  if (!stream_.is_secured()) co_return true;
  set_deadline(state_.config.request_timeout);
  const IoResult io = co_await OnOwnThread(
      stream_.get_executor(), [this](auto done) { stream_.async_handshake([done](ErrorNumber error) mutable { done(error); }); });
  clear_deadline();
  co_return !io.error;
}

Task<bool> Connection::wait_for_request() {
  if (state_.stopping) co_return false;
  if (buffer_->bytes.size() > 0) co_return true;
  set_deadline(state_.config.idle_timeout);
  const IoResult io = co_await OnOwnThread(stream_.get_executor(), [this](auto done) {
    if (state_.stopping) {
      done(asio::error::operation_aborted);
      return;
    }
    is_idle_ = true;
    if (!stream_.is_secured()) {
      stream_.socket().async_wait(Socket::wait_read, [done](ErrorNumber error) mutable { done(error); });
      return;
    }
    // The bytes may be in TLS's own buffer already, where waiting for the socket would not see them.
    stream_.async_read_some(buffer_->bytes.prepare(kPieceBytes), std::move(done));
  });
  if (stream_.is_secured()) buffer_->bytes.commit(io.count);
  is_idle_ = false;
  clear_deadline();
  co_return !io.error;
}

Task<bool> Connection::serve_one() {
  const bool is_there = co_await wait_for_request();
  if (!is_there) co_return false;
  Exchange exchange;
  exchange.parser.header_limit(static_cast<uint32_t>(state_.config.header_bytes_max));
  exchange.parser.body_limit(boost::none);
  set_deadline(state_.config.request_timeout);
  const IoResult io = co_await OnOwnThread(stream_.get_executor(), [this, &exchange](auto done) {
    http::async_read_header(stream_, buffer_->bytes, exchange.parser, std::move(done));
  });
  clear_deadline();
  if (io.error == http::error::header_limit || io.error == http::error::buffer_overflow) {
    Error error{&errors::too_large,
                fmt::format("the head of the request is larger than {} bytes", state_.config.header_bytes_max),
                {},
                {}};
    co_return co_await refuse_head(431, std::move(error));
  }
  if (io.error && is_disconnect(io.error)) co_return false;
  if (io.error) {
    Error error{&errors::invalid_request, "the request is not well formed HTTP: " + io.error.message(), {}, {}};
    co_return co_await refuse_head(400, std::move(error));
  }
  Result<Request> request = request_of(exchange.parser.get(), peer_);
  if (!request) {
    const int status = request.error().code == &errors::not_supported ? 501 : 400;
    Error error = std::move(request).error();
    co_return co_await refuse_head(status, std::move(error));
  }
  exchange.request = std::move(*request);
  if (const auto length = exchange.parser.content_length()) exchange.left = *length;
  exchange.is_http11 = exchange.parser.get().version() >= 11;
  exchange.wants_continue = exchange.is_http11 && beast::iequals(exchange.request.header("expect"), "100-continue");
  co_return co_await answer(exchange);
}

Task<bool> Connection::refuse_head(int status, Error error) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}};
  response.body = problem_json(error, status, "");
  HeadPlan plan{.framing = Framing::kLength, .length = response.body.size(), .keep_alive = false};
  std::string bytes = response_head(response, plan) + response.body;
  const Status sent = co_await write_bytes(std::move(bytes));
  if (sent) co_await linger();
  co_return false;
}

Task<bool> Connection::answer(Exchange& exchange) {
  Body body(*this, exchange);
  exchange.request.body = &body;
  Task<Response> handling = state_.handler(exchange.request);
  Response response = co_await std::move(handling);
  const bool keep_alive = co_await write_answer(exchange, std::move(response));
  exchange.request.body = nullptr;
  co_return co_await finish_body(exchange, keep_alive && !body.has_failed());
}

Task<bool> Connection::write_answer(Exchange& exchange, Response response) {
  const bool is_head = exchange.request.method == Method::kHead;
  const bool has_no_body = is_head || response.status == 204 || response.status == 304 || response.status < 200;
  const std::optional<uint64_t> announced = announced_length(response);
  HeadPlan plan;
  plan.keep_alive = exchange.is_http11 && exchange.parser.get().keep_alive() && !state_.stopping && !is_peer_gone_;
  if (has_no_body) {
    plan.tells_length = is_head && (announced || !response.stream);
    plan.length = announced.value_or(response.body.size());
  } else if (response.stream) {
    plan.framing = announced ? Framing::kLength : exchange.is_http11 ? Framing::kChunked : Framing::kClose;
    plan.length = announced.value_or(0);
  } else {
    plan.framing = Framing::kLength;
    plan.length = response.body.size();
  }
  // A body that waits for our leave to come, or is long, is not read: this connection ends with the answer, and the answer says
  // so, or the next request would be on its way into an end.
  const bool rest_is_long = exchange.left ? *exchange.left > kDrainBytesMax : !exchange.parser.is_done();
  if (exchange.wants_continue || rest_is_long || plan.framing == Framing::kClose) plan.keep_alive = false;
  std::string head = response_head(response, plan);
  if (!has_no_body && response.stream) {
    const bool is_whole = co_await write_stream(exchange, std::move(response), std::move(head));
    co_return is_whole&& plan.keep_alive;
  }
  std::string body = has_no_body ? std::string() : std::move(response.body);
  if (body.size() <= kPieceBytes) {
    head += body;
    body.clear();
  }
  const Status head_sent = co_await write_bytes(std::move(head));
  if (!head_sent) co_return false;
  const Status body_sent = co_await write_bytes(std::move(body));
  co_return body_sent.has_value() && plan.keep_alive;
}

Task<bool> Connection::write_stream(Exchange& exchange, Response response, std::string head) {
  const std::optional<uint64_t> announced = announced_length(response);
  const Framing framing = announced ? Framing::kLength : exchange.is_http11 ? Framing::kChunked : Framing::kClose;
  const Status head_sent = co_await write_bytes(std::move(head));
  Writer writer(*this, framing, announced.value_or(0));
  if (!head_sent) co_return false;
  is_streaming_ = true;
  Task<Status> streaming = response.stream(writer);
  const Status status = co_await std::move(streaming);
  is_streaming_ = false;
  if (status) co_return co_await writer.finish();
  // The head is out; all that is left to say it with is a body that ends before its end.
  if (!writer.is_closed()) log_warning("stream failed path={:?} error={:?}", exchange.request.path, status.error().to_string());
  co_return false;
}

Task<bool> Connection::finish_body(Exchange& exchange, bool keep_alive) {
  Body rest(*this, exchange);
  uint64_t drained = 0;
  while (keep_alive && !exchange.has_whole_body()) {
    Result<std::string> piece = co_await rest.next();
    if (!piece) co_return false;
    drained += piece->size();
    keep_alive = drained <= kDrainBytesMax;
  }
  if (!keep_alive) co_await linger();
  co_return keep_alive;
}

// Ends our side and reads on for a moment: closing with unread bytes would reset the connection and could take the answer with
// it.
Task<void> Connection::linger() {
  std::array<char, 4096> sink;
  set_deadline(kLinger);
  bool is_open = !state_.stopping;
  if (stream_.is_secured() && is_open) {
    // Its end is told within TLS, and the peer's is awaited: nothing unread is left.
    is_open = false;
    co_await OnOwnThread(stream_.get_executor(), [this](auto done) {
      is_idle_ = true;
      stream_.async_farewell([done](ErrorNumber error) mutable { done(error); });
    });
  }
  bool is_first = true;
  while (is_open && !state_.stopping) {
    const IoResult io = co_await OnOwnThread(stream_.get_executor(), [&](auto done) {
      ErrorNumber ignored;
      if (std::exchange(is_first, false)) stream_.socket().shutdown(Socket::shutdown_send, ignored);
      is_idle_ = true;  // nobody minds when stop() cuts this short
      stream_.socket().async_read_some(asio::buffer(sink), std::move(done));
    });
    is_open = !io.error;
  }
}

Task<Status> Connection::write_bytes(std::string bytes) { co_return co_await write_view(bytes); }

Task<Status> Connection::write_view(std::string_view bytes) {
  while (!bytes.empty()) {
    set_deadline(state_.config.request_timeout);
    const IoResult io = co_await OnOwnThread(stream_.get_executor(), [this, bytes](auto done) {
      stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), std::move(done));
    });
    if (io.error) {
      is_peer_gone_ = true;
      co_return fail(errors::unavailable, "the client has gone: " + io.error.message());
    }
    bytes.remove_prefix(io.count);
  }
  clear_deadline();
  co_return Status();
}

void Connection::set_deadline(std::chrono::steady_clock::duration duration) {
  deadline_ = (std::chrono::steady_clock::now() + duration).time_since_epoch().count();
}

void Connection::sweep(std::chrono::steady_clock::time_point now) {
  const int64_t deadline = deadline_;
  if (deadline != 0 && now.time_since_epoch().count() > deadline) return close();
  if (!is_streaming_ || is_peer_gone_ || !stream_.socket().is_open()) return;
  // A stream may have nothing to write for long; so that its handler learns of the end, somebody must look.
  char byte = 0;
  const ssize_t count = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) is_peer_gone_ = true;
}

void Connection::close() {
  ErrorNumber ignored;
  stream_.socket().shutdown(Socket::shutdown_both, ignored);
  stream_.socket().close(ignored);
}

}  // namespace werkbank::net
