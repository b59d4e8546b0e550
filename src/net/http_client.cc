#include "net/http_client.hh"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/none.hpp>

#include "base/text.hh"
#include "net/client_transport.hh"

namespace werkbank::net {
namespace {

namespace http = boost::beast::http;
using ErrorNumber = boost::system::error_code;
using Parser = http::response_parser<http::buffer_body>;
using Sink = std::function<bool(std::string_view)>;
using std::chrono::milliseconds;

constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kProblemBytesMax = 64 * 1024;
constexpr uint32_t kHeadBytesMax = 64 * 1024;

bool is_clean(std::string_view text, unsigned char lowest) {
  return std::ranges::all_of(text, [lowest](unsigned char c) { return c >= lowest && c != 0x7f; });
}

Status check_request(const ClientRequest& request) {
  if (!request.target.starts_with('/') || !is_clean(request.target, '!')) {
    return fail(errors::invalid_request, fmt::format("{:?} is not an encoded path", request.target));
  }
  for (const auto& [name, value] : request.headers) {
    const bool is_name = !name.empty() && is_clean(name, '!') && name.find(':') == std::string::npos;
    if (!is_name || !is_clean(value, ' '))
      return fail(errors::invalid_request, fmt::format("the header {:?} cannot be sent", name));
  }
  return {};
}

// May the server get it twice without harm?
bool is_repeatable(const ClientRequest& request) {
  if (request.body_source) return false;
  if (request.method != Method::kPost && request.method != Method::kPatch) return true;
  return std::ranges::any_of(request.headers,
                             [](const auto& header) { return boost::beast::iequals(header.first, "Idempotency-Key"); });
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(ClientConfig client_config) : config(std::move(client_config)), url(parse_server_url(config.server_url)) {}

  ClientConfig config;
  Result<ServerUrl> url;
  std::optional<Transport> transport;

  // What one request has come to; decides whether it may be sent again.
  struct Progress {
    bool was_kept = false;    // on a connection that had served before
    bool has_answer = false;  // a byte has come
  };

  Result<ClientResponse> perform(const ClientRequest& request, const Sink& sink, milliseconds silence_max);
  Result<ClientResponse> exchange(const ClientRequest& request, const Sink& sink, milliseconds silence_max, Progress& progress);
  std::string head_of(const ClientRequest& request) const;
  Result<bool> send_request(const ClientRequest& request);
  Result<bool> send_body(const ClientRequest& request);
};

std::string HttpClient::Impl::head_of(const ClientRequest& request) const {
  std::string head = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: werkbank\r\n", to_string(request.method),
                                 url->prefix, request.target, url->host_header());
  if (!config.token.empty()) head += fmt::format("Authorization: Bearer {}\r\n", config.token.reveal());
  for (const auto& [name, value] : request.headers) head += fmt::format("{}: {}\r\n", name, value);
  const uint64_t length = request.body_source ? request.body_length : request.body.size();
  const bool has_body =
      length > 0 || request.method == Method::kPost || request.method == Method::kPut || request.method == Method::kPatch;
  if (has_body) head += fmt::format("Content-Length: {}\r\n", length);
  return head + "\r\n";
}

// False where the server has answered before it had all.
Result<bool> HttpClient::Impl::send_request(const ClientRequest& request) {
  std::string bytes = head_of(request);
  if (!request.body_source && request.body.size() <= kPieceBytes) {
    bytes += request.body;
    return transport->write(bytes, config.read_timeout);
  }
  TRY(const bool goes_on, transport->write(bytes, config.read_timeout));
  if (!goes_on) return false;
  if (!request.body_source) return transport->write(request.body, config.read_timeout);
  return send_body(request);
}

Result<bool> HttpClient::Impl::send_body(const ClientRequest& request) {
  uint64_t left = request.body_length;
  while (left > 0) {
    Result<std::string> piece = request.body_source();
    if (!piece) return fail_in("read what is to be sent", piece.error());
    if (piece->empty() || piece->size() > left) {
      return fail(errors::invalid_request,
                  fmt::format("what is to be sent is not {} bytes long: it changed meanwhile", request.body_length));
    }
    TRY(const bool goes_on, transport->write(*piece, config.read_timeout));
    if (!goes_on) return false;
    left -= piece->size();
  }
  return true;
}

namespace {

// Reads one answer off a transport and hands its body on.
class AnswerReader {
 public:
  AnswerReader(Transport& transport, const ClientRequest& request, const Sink& sink, milliseconds silence_max, bool& has_answer)
      : transport_(transport),
        is_head_(request.method == Method::kHead),
        sink_(sink),
        silence_max_(silence_max),
        has_answer_(has_answer) {}

  // False where the sink wanted no more: the rest of the answer is still on the connection.
  Result<bool> read() {
    begin();
    for (;;) {
      TRY(const bool has_all, parse());
      if (is_stopped_) return false;
      if (has_all) {
        if (response_.status >= 200) return true;
        begin();  // 100 Continue and its like: the answer proper follows
        continue;
      }
      CHECK_OK(receive());
    }
  }
  ClientResponse take_response() { return std::move(response_); }
  bool keeps_alive() const { return parser_->keep_alive() && bytes_.empty(); }

 private:
  void begin() {
    parser_.emplace();
    parser_->eager(true);
    parser_->body_limit(boost::none);
    parser_->header_limit(kHeadBytesMax);
    parser_->skip(is_head_);
    has_head_ = false;
  }

  std::unexpected<Error> malformed(const ErrorNumber& error) const {
    return fail(errors::unavailable, "the server's answer is not well formed HTTP: " + error.message());
  }

  static std::unexpected<Error> truncated() {
    return fail(errors::unavailable, "the server closed the connection in the middle of its answer");
  }

  // Uses what has come. True at the answer's end.
  Result<bool> parse() {
    while (!parser_->is_done()) {
      if (bytes_.empty() && !is_ended_) return false;
      parser_->get().body().data = piece_.data();
      parser_->get().body().size = piece_.size();
      parser_->get().body().more = true;
      ErrorNumber error;
      if (is_ended_ && bytes_.empty()) {
        parser_->put_eof(error);
        if (error) return truncated();
      } else {
        bytes_.erase(0, parser_->put(boost::asio::buffer(bytes_), error));
      }
      if (parser_->is_header_done() && !std::exchange(has_head_, true)) take_head();
      const size_t count = has_head_ ? piece_.size() - parser_->get().body().size : 0;
      if (count > 0 && !take_body(std::string_view(piece_).substr(0, count))) {
        is_stopped_ = true;
        return false;
      }
      if (error == http::error::need_more && is_ended_) return truncated();
      if (error == http::error::need_more) return false;
      if (error && error != http::error::need_buffer) return malformed(error);
    }
    return true;
  }

  void take_head() {
    response_ = {};
    response_.status = parser_->get().result_int();
    for (const auto& field : parser_->get()) {
      std::string name = lower(std::string_view(field.name_string()));
      const auto [entry, is_new] = response_.headers.try_emplace(std::move(name), field.value());
      if (!is_new) entry->second += ", " + std::string(field.value());
    }
  }

  bool take_body(std::string_view piece) {
    if (!sink_) {
      response_.body += piece;
      return true;
    }
    if (response_.status < 400) return sink_(piece);
    response_.body += piece.substr(0, kProblemBytesMax - std::min(kProblemBytesMax, response_.body.size()));
    return true;
  }

  Status receive() {
    const size_t length = bytes_.size();
    bytes_.resize(length + kPieceBytes);
    const Result<size_t> count = transport_.read(bytes_.data() + length, kPieceBytes, silence_max_);
    bytes_.resize(length + count.value_or(0));
    if (!count) return fail(count.error());
    has_answer_ = has_answer_ || *count > 0;
    if (*count == 0 && !has_answer_) return fail(errors::unavailable, "the server closed the connection without an answer");
    is_ended_ = *count == 0;
    return {};
  }

  Transport& transport_;
  const bool is_head_;
  const Sink& sink_;
  const milliseconds silence_max_;
  bool& has_answer_;
  std::optional<Parser> parser_;
  std::string bytes_;                                   // received, not yet parsed
  std::string piece_ = std::string(kPieceBytes, '\0');  // where the parser puts the body
  bool has_head_ = false;
  bool is_ended_ = false;
  bool is_stopped_ = false;
  ClientResponse response_;
};

}  // namespace

Result<ClientResponse> HttpClient::Impl::exchange(const ClientRequest& request, const Sink& sink, milliseconds silence_max,
                                                  Progress& progress) {
  if (transport && !transport->is_quiet()) transport.reset();
  progress.was_kept = transport.has_value();
  if (!transport) {
    TRY(Transport opened, Transport::open(*url, config.connect_timeout));
    transport.emplace(std::move(opened));
  }
  const Result<bool> sent = send_request(request);
  // A server that refuses a long body may answer and close; its answer says more than the broken connection.
  const bool is_broken = !sent && sent.error().code == &errors::unavailable;
  if (!sent && !is_broken) return fail(sent.error());
  AnswerReader reader(*transport, request, sink, silence_max, progress.has_answer);
  const Result<bool> is_whole = reader.read();
  if (!is_whole) return fail(is_broken && !progress.has_answer ? sent.error() : is_whole.error());
  if (!*is_whole || !sent || !*sent || !reader.keeps_alive()) transport.reset();
  return reader.take_response();
}

Result<ClientResponse> HttpClient::Impl::perform(const ClientRequest& request, const Sink& sink, milliseconds silence_max) {
  if (!url) return fail(url.error());
  CHECK_OK(check_request(request));
  for (;;) {
    Progress progress;
    Result<ClientResponse> response = exchange(request, sink, silence_max, progress);
    if (response) return response;
    transport.reset();
    // The second time the connection is new, so that this ends.
    if (!progress.was_kept || progress.has_answer || !is_repeatable(request)) return response;
  }
}

HttpClient::HttpClient(ClientConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  return impl_->perform(request, {}, impl_->config.read_timeout);
}

Result<ClientResponse> HttpClient::stream(const ClientRequest& request, const std::function<bool(std::string_view)>& sink,
                                          milliseconds silence_max) {
  return impl_->perform(request, sink, silence_max);
}

const std::string& HttpClient::server_url() const { return impl_->config.server_url; }

}  // namespace werkbank::net
