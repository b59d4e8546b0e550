#include "net/socket.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace werkbank::net {
namespace {

constexpr int kBacklog = 1024;

// A Unix address; a path too long for it goes by way of its folder's descriptor, which must stay open while the address is used.
struct UnixAddress {
  sockaddr_un address{};
  Fd folder;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Result<UnixAddress> unix_address(const std::filesystem::path& path) {
  UnixAddress result;
  result.address.sun_family = AF_UNIX;
  std::string text = path.native();
  if (text.empty() || text.find('\0') != text.npos)
    return fail(errors::path_refused, "the path of a socket is empty or holds a NUL");
  if (text.size() >= sizeof result.address.sun_path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    TRY(result.folder, open_file(folder, O_PATH | O_DIRECTORY));
    text = fmt::format("/proc/self/fd/{}/{}", result.folder.get(), path.filename().native());
  }
  if (text.size() >= sizeof result.address.sun_path) {
    return fail(errors::path_refused, fmt::format("the name of the socket {} is too long", path.native()));
  }
  std::memcpy(result.address.sun_path, text.c_str(), text.size() + 1);
  return result;
}

Result<Fd> open_socket(int family) {
  Fd handle(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!handle) return fail(errno_error(errno, "open a socket"));
  return handle;
}

// Removes a socket file that a dead server left.
Status remove_dead_socket(const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Status() : fail(errno_error(errno, "look at " + path.native()));
  }
  if (!S_ISSOCK(status.st_mode))
    return fail(errors::io_failed, fmt::format("{} is in the way and is not a socket", path.native()));
  if (connect_to_unix(path)) return fail(errors::store_busy, fmt::format("another server listens on {}", path.native()));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail(errno_error(errno, "remove " + path.native()));
  return {};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

Result<AddressList> look_up(const HostPort& address, int flags) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &wanted, &list);
  if (error == 0) return AddressList(list);
  return fail(errors::server_unreachable, fmt::format("the host {:?} is not known: {}", address.host, gai_strerror(error)));
}

Status finish_connect(int fd, std::chrono::milliseconds timeout) {
  pollfd wait{fd, POLLOUT, 0};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(errno_error(ETIMEDOUT, "connect"));
    break;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail(errno_error(error, "connect"));
  return {};
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text, std::string_view default_port) {
  const auto refuse = [&] {
    return fail(errors::invalid_request, fmt::format("{:?} is not an address to connect to or listen on", text),
                "Write HOST:PORT, for example 127.0.0.1:8765 or [::1]:8765.");
  };
  HostPort address;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == text.npos) return refuse();
    address.host = text.substr(1, bracket - 1);
    port = text.substr(bracket + 1);
    if (!port.empty() && !port.starts_with(':')) return refuse();
  } else {
    const size_t colon = text.find(':');
    if (colon != text.npos && text.find(':', colon + 1) != text.npos) return refuse();  // IPv6 without brackets
    address.host = text.substr(0, colon);
    port = colon == text.npos ? std::string_view() : text.substr(colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  address.port = port.empty() ? default_port : port;
  const bool is_number = std::ranges::all_of(address.port, [](char c) { return c >= '0' && c <= '9'; });
  const bool is_port = !address.port.empty() && address.port.size() <= 5 && is_number && std::stoi(address.port) <= 65535;
  if (address.host.empty() || !is_port) return refuse();
  if (std::ranges::any_of(address.host, [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '/' || c == '@'; }))
    return refuse();
  return address;
}

Result<Fd> listen_on_unix(const std::filesystem::path& path) {
  TRY(const UnixAddress address, unix_address(path));
  CHECK_OK(remove_dead_socket(path));
  TRY(Fd listener, open_socket(AF_UNIX));
  // The mode of the descriptor becomes the mode of the file: there is no moment at which others could connect.
  if (fchmod(listener.get(), 0600) != 0) return fail(errno_error(errno, "set the mode of a socket"));
  const std::string what = "listen on " + path.native();
  if (::bind(listener.get(), address.get(), sizeof address.address) != 0) return fail(errno_error(errno, what));
  if (::chmod(path.c_str(), 0600) != 0) return fail(errno_error(errno, what));
  if (::listen(listener.get(), kBacklog) != 0) return fail(errno_error(errno, what));
  return listener;
}

Result<Fd> listen_on_tcp(const HostPort& address) {
  TRY(const AddressList list, look_up(address, AI_PASSIVE));
  const std::string what = fmt::format("listen on {} port {}", address.host, address.port);
  Result<Fd> last = fail(errors::unavailable, what + ": no address");
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    last = open_socket(entry->ai_family);
    if (!last) continue;
    const int on = 1;
    setsockopt(last->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (entry->ai_family == AF_INET6) setsockopt(last->get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(last->get(), entry->ai_addr, entry->ai_addrlen) == 0 && ::listen(last->get(), kBacklog) == 0) return last;
    last = fail(errors::unavailable, fmt::format("{}: {}", what, std::strerror(errno)),
                "Choose another address or port with --listen.");
  }
  return last;
}

Result<uint16_t> port_of(const Fd& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail(errno_error(errno, "look at a socket"));
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Result<Fd> connect_to_unix(const std::filesystem::path& path) {
  const auto unreachable = [&](std::string_view why) {
    return fail(errors::server_unreachable, fmt::format("nobody answers on {}: {}", path.native(), why));
  };
  const Result<UnixAddress> address = unix_address(path);
  if (!address) return unreachable(address.error().message);
  TRY(Fd handle, open_socket(AF_UNIX));
  // A full backlog answers EAGAIN at once; a connection to a Unix socket is otherwise never under way.
  for (int tries = 0; ::connect(handle.get(), address->get(), sizeof address->address) != 0; ++tries) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN || tries >= 500) return unreachable(std::strerror(errno));
    ::poll(nullptr, 0, 10);
  }
  return handle;
}

Result<Fd> connect_to_tcp(const HostPort& address, std::chrono::milliseconds timeout) {
  TRY(const AddressList list, look_up(address, 0));
  std::string why = "no address";
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    TRY(Fd handle, open_socket(entry->ai_family));
    Status connected;
    if (::connect(handle.get(), entry->ai_addr, entry->ai_addrlen) != 0) {
      connected = errno == EINPROGRESS ? finish_connect(handle.get(), timeout) : fail(errno_error(errno, "connect"));
    }
    if (connected) {
      const int on = 1;
      setsockopt(handle.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return handle;
    }
    why = connected.error().message;
  }
  return fail(errors::server_unreachable, fmt::format("nobody answers at {} port {}: {}", address.host, address.port, why));
}

}  // namespace werkbank::net
