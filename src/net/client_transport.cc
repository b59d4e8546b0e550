#include "net/client_transport.hh"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/process.hh"
#include "net/proxy.hh"
#include "net/socket.hh"

namespace werkbank::net {
namespace {

using std::chrono::milliseconds;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};

// The places of the usual systems: a static program's OpenSSL only knows those of the system it was built on.
constexpr std::array<const char*, 4> kCertificateFiles = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

void load_certificates(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);  // honours SSL_CERT_FILE and SSL_CERT_DIR
  for (const char* file : kCertificateFiles) {
    if (access(file, R_OK) == 0 && SSL_CTX_load_verify_locations(context, file, nullptr) == 1) break;
  }
  ERR_clear_error();
}

std::string tls_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) return "the connection was closed";
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

}  // namespace

std::string ServerUrl::host_header() const {
  if (scheme == Scheme::kUnix) return "localhost";
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  const bool is_default = port == (scheme == Scheme::kHttps ? "443" : "80");
  return is_default ? name : fmt::format("{}:{}", name, port);
}

Result<ServerUrl> parse_server_url(std::string_view url) {
  ServerUrl result;
  if (url.starts_with("unix://")) {
    result.scheme = ServerUrl::Scheme::kUnix;
    result.socket_path = url.substr(7);
    if (result.socket_path.starts_with('/')) return result;
    return fail(errors::invalid_request, fmt::format("{:?} does not name a socket by its whole path", url),
                "Write unix:///PATH.");
  }
  std::string_view rest = url;
  if (url.starts_with("https://")) {
    result.scheme = ServerUrl::Scheme::kHttps;
    rest.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(errors::invalid_request, fmt::format("{:?} is not a server's address", url),
                "Write http://HOST:PORT, https://HOST:PORT or unix:///PATH.");
  }
  const size_t slash = rest.find('/');
  TRY(HostPort address, parse_host_port(rest.substr(0, slash), result.scheme == ServerUrl::Scheme::kHttps ? "443" : "80"));
  result.host = std::move(address.host);
  result.port = std::move(address.port);
  if (slash != rest.npos) result.prefix = rest.substr(slash);
  while (result.prefix.ends_with('/')) result.prefix.pop_back();
  const bool is_plain =
      std::ranges::all_of(result.prefix, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
  if (!is_plain) return fail(errors::invalid_request, fmt::format("{:?} is not a server's address: its path is not plain", url));
  return result;
}

// OpenSSL works on memory; the bytes travel through our own socket calls, which know timeouts and raise no SIGPIPE.
struct Transport::Tls {
  std::unique_ptr<SSL_CTX, FreeContext> context;
  std::unique_ptr<SSL, FreeSession> session;
  BIO* received = nullptr;  // owned by the session, as the next
  BIO* to_send = nullptr;
};

Transport::Transport(Fd socket) : socket_(std::move(socket)) {}
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;
Transport::~Transport() = default;

Result<Transport> Transport::open(const ServerUrl& url, milliseconds timeout) {
  if (url.scheme == ServerUrl::Scheme::kUnix) {
    TRY(Fd socket, connect_to_unix(url.socket_path));
    return Transport(std::move(socket));
  }
  TRY(const std::optional<Proxy> proxy, proxy_for(url, current_environment()));
  TRY(Fd socket, connect_to_tcp(proxy ? proxy->address : HostPort{url.host, url.port}, timeout));
  Transport transport(std::move(socket));
  if (proxy) CHECK_OK(transport.pass_proxy(url, *proxy, timeout));
  if (url.scheme == ServerUrl::Scheme::kHttps) CHECK_OK(transport.shake_hands(url, timeout));
  return transport;
}

Status Transport::pass_proxy(const ServerUrl& url, const Proxy& proxy, milliseconds timeout) {
  constexpr size_t kAnswerBytesMax = 16 * 1024;
  TRY([[maybe_unused]] const bool sent, transmit(connect_request(url, proxy), timeout, false));
  std::string answer;
  // Byte by byte: what follows the empty line is the server's already.
  while (!answer.ends_with("\r\n\r\n")) {
    char byte = 0;
    TRY(const size_t count, receive(&byte, 1, timeout));
    if (count == 0 || answer.size() >= kAnswerBytesMax) break;
    answer += byte;
  }
  if (answer.starts_with("HTTP/1.") && answer.substr(8, 5) == " 200 ") return {};
  return fail(errors::server_unreachable,
              fmt::format("the proxy {}:{} does not lead to {}: {}", proxy.address.host, proxy.address.port, url.host_header(),
                          answer.empty() ? "it said nothing" : answer.substr(0, std::min<size_t>(answer.find("\r\n"), 200))),
              "Correct HTTPS_PROXY, or name the server in NO_PROXY.");
}

Status Transport::shake_hands(const ServerUrl& url, milliseconds timeout) {
  auto tls = std::make_unique<Tls>();
  tls->context.reset(SSL_CTX_new(TLS_client_method()));
  WB_INVARIANT(tls->context != nullptr);
  SSL_CTX_set_min_proto_version(tls->context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(tls->context.get(), SSL_VERIFY_PEER, nullptr);
  load_certificates(tls->context.get());
  tls->session.reset(SSL_new(tls->context.get()));
  SSL* const session = tls->session.get();
  WB_INVARIANT(session != nullptr);
  // An address must be in the certificate as an address, a name as a name.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), url.host.c_str()) != 1) {
    SSL_set1_host(session, url.host.c_str());
    SSL_set_tlsext_host_name(session, url.host.c_str());
  }
  tls->received = BIO_new(BIO_s_mem());
  tls->to_send = BIO_new(BIO_s_mem());
  SSL_set_bio(session, tls->received, tls->to_send);
  SSL_set_connect_state(session);
  tls_ = std::move(tls);
  ERR_clear_error();
  const auto unreachable = [&](std::string_view why) {
    return fail(errors::server_unreachable, fmt::format("no safe connection to {}: {}", url.host_header(), why),
                "Name the authority's certificate with SSL_CERT_FILE where the server has one of your own.");
  };
  for (;;) {
    const int done = SSL_do_handshake(session);
    const int reason = SSL_get_error(session, done);
    const long verified = SSL_get_verify_result(session);
    const Status sent = flush_tls(timeout);  // also the alert that tells the server why
    if (verified != X509_V_OK) return unreachable(X509_verify_cert_error_string(verified));
    if (done == 1) return sent;
    if (reason != SSL_ERROR_WANT_READ) return unreachable(tls_error());
    if (!sent) return unreachable(sent.error().message);
    if (const Status fed = feed_tls(timeout); !fed) return unreachable(fed.error().message);
  }
}

Status Transport::wait(short events, milliseconds timeout, short* seen) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  pollfd entry{socket_.get(), events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail(errno_error(errno, "wait for the server"));
    if (ready == 0) return fail(errors::unavailable, fmt::format("the server was silent for {} ms", timeout.count()));
    if (seen != nullptr) *seen = entry.revents;
    return {};
  }
}

Result<size_t> Transport::receive(char* bytes, size_t size_max, milliseconds timeout) {
  for (;;) {
    const ssize_t count = ::recv(socket_.get(), bytes, size_max, 0);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN)
      return fail(errors::unavailable, fmt::format("the connection to the server broke: {}", std::strerror(errno)));
    CHECK_OK(wait(POLLIN, timeout));
  }
}

Result<bool> Transport::transmit(std::string_view bytes, milliseconds timeout, bool listen) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN)
      return fail(errors::unavailable, fmt::format("the connection to the server broke: {}", std::strerror(errno)));
    short seen = 0;
    CHECK_OK(wait(static_cast<short>(listen ? POLLOUT | POLLIN : POLLOUT), timeout, &seen));
    if (listen && (seen & POLLIN) != 0 && (seen & POLLOUT) == 0) return false;
  }
  return true;
}

Status Transport::flush_tls(milliseconds timeout) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(tls_->to_send, &bytes);
  if (size <= 0) return {};
  const Result<bool> sent = transmit(std::string_view(bytes, static_cast<size_t>(size)), timeout, false);
  BIO_reset(tls_->to_send);
  if (!sent) return fail(sent.error());
  return {};
}

Status Transport::feed_tls(milliseconds timeout) {
  std::array<char, 16 * 1024> bytes;
  TRY(const size_t count, receive(bytes.data(), bytes.size(), timeout));
  if (count == 0) return fail(errors::unavailable, "the server closed the connection");
  BIO_write(tls_->received, bytes.data(), static_cast<int>(count));
  return {};
}

Result<bool> Transport::write(std::string_view bytes, milliseconds timeout) {
  if (!tls_) return transmit(bytes, timeout, true);
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 64 * 1024);
    ERR_clear_error();
    const int count = SSL_write(tls_->session.get(), piece.data(), static_cast<int>(piece.size()));
    const int reason = SSL_get_error(tls_->session.get(), count);
    CHECK_OK(flush_tls(timeout));
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (reason == SSL_ERROR_WANT_READ) {
      CHECK_OK(feed_tls(timeout));
    } else {
      return fail(errors::unavailable, "the connection to the server broke: " + tls_error());
    }
  }
  return true;
}

Result<size_t> Transport::read(char* bytes, size_t size_max, milliseconds timeout) {
  if (!tls_) return receive(bytes, size_max, timeout);
  for (;;) {
    ERR_clear_error();
    const int count = SSL_read(tls_->session.get(), bytes, static_cast<int>(std::min<size_t>(size_max, 1 << 20)));
    if (count > 0) return static_cast<size_t>(count);
    const int reason = SSL_get_error(tls_->session.get(), count);
    CHECK_OK(flush_tls(timeout));
    if (reason == SSL_ERROR_ZERO_RETURN) return size_t{0};
    if (reason != SSL_ERROR_WANT_READ) return fail(errors::unavailable, "the connection to the server broke: " + tls_error());
    CHECK_OK(feed_tls(timeout));
  }
}

bool Transport::is_quiet() const {
  char byte = 0;
  const ssize_t count = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // TLS may send session tickets at any time; only the end counts there.
  if (tls_) return count != 0;
  return count < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace werkbank::net
