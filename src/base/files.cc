#include "base/files.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.hh"

namespace werkbank {
namespace {

std::unexpected<Error> fail_errno(std::string_view action, const std::filesystem::path& path) {
  const int number = errno;
  const std::string what = fmt::format("{} {}", action, path.native());
  Error error = errno_error(number, what);
  if (number == ENOENT || number == ENOTDIR) error.code = &errors::not_found;
  return fail(std::move(error));
}

// std::filesystem::path may hold a NUL, which the kernel would take for its end.
Status check_no_nul(const std::filesystem::path& path) {
  if (path.native().find('\0') == std::string::npos) return {};
  return fail(errors::path_refused, fmt::format("the path {:?} holds a NUL", path.native()));
}

// The folder that holds the path's last name: "." for a bare name.
std::filesystem::path folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

Status write_temporary(const std::filesystem::path& path, std::string_view bytes, int mode, bool durable) {
  TRY(const Fd file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  if (const Status written = write_all(file.get(), bytes); !written) return fail_in(path.native(), written.error());
  // open() took the umask off; the caller has said what the mode is.
  if (fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return fail_errno("set the mode of", path);
  if (durable && fsync(file.get()) != 0) return fail_errno("sync", path);
  return {};
}

// The length of the UTF-8 character at the front of a non-empty text; 0 where there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead < 0xf0) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;   // no over-long form
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead > 0xf4) return 0;
  const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;  // up to U+10FFFF
  return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Fd> open_file(const std::filesystem::path& path, int flags, int mode) {
  CHECK_OK(check_no_nul(path));
  for (;;) {
    Fd file(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (file) return file;
    if (errno != EINTR) return fail_errno("open", path);
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "write"));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path, uint64_t size_max) {
  TRY(const Fd file, open_file(path, O_RDONLY));
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail_errno("look at", path);
  if (S_ISDIR(status.st_mode)) return fail(errors::io_failed, fmt::format("read {}: it is a folder", path.native()));
  const auto refuse = [&] { return fail(errors::too_large, fmt::format("{} is larger than {} bytes", path.native(), size_max)); };
  if (static_cast<uint64_t>(status.st_size) > size_max) return refuse();
  std::string bytes;
  // Files of /proc say 0 and have content; so reading goes on to the end, not to the size.
  constexpr size_t kMoreBytes = 4096;
  size_t wanted = static_cast<size_t>(status.st_size) + 1;
  bytes.reserve(wanted + kMoreBytes);
  for (;;) {
    const size_t length = bytes.size();
    bytes.resize(length + wanted);
    const ssize_t count = ::read(file.get(), bytes.data() + length, bytes.size() - length);
    bytes.resize(length + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", path);
    if (count == 0) return bytes;
    if (bytes.size() > size_max) return refuse();
    wanted = kMoreBytes;
  }
}

Result<std::string> read_file_range(const std::filesystem::path& path, uint64_t offset, uint64_t size_max) {
  TRY(const Fd file, open_file(path, O_RDONLY));
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail_errno("look at", path);
  const auto size = static_cast<uint64_t>(status.st_size);
  std::string bytes;
  if (offset >= size) return bytes;
  bytes.resize(static_cast<size_t>(std::min(size - offset, size_max)));
  size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + length, bytes.size() - length, static_cast<off_t>(offset + length));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", path);
    if (count == 0) break;
    length += static_cast<size_t>(count);
  }
  bytes.resize(length);
  return bytes;
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view bytes, int mode, bool durable) {
  CHECK_OK(check_no_nul(path));
  const std::filesystem::path folder = folder_of(path);
  const std::filesystem::path temporary = folder / (".wb-" + random_hex(8) + ".tmp");
  Status status = write_temporary(temporary, bytes, mode, durable);
  if (status && ::rename(temporary.c_str(), path.c_str()) != 0) status = fail_errno("replace", path);
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  return durable ? sync_directory(folder) : Status();
}

Status sync_directory(const std::filesystem::path& path) {
  TRY(const Fd folder, open_file(path, O_RDONLY | O_DIRECTORY));
  if (fsync(folder.get()) != 0) return fail_errno("sync", path);
  return {};
}

Status make_directories(const std::filesystem::path& path, int mode) {
  CHECK_OK(check_no_nul(path));
  if (path.empty()) return fail(errors::path_refused, "the path of a folder is empty");
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return {};
  if (errno == ENOENT && path.has_relative_path() && !path.parent_path().empty() && path.parent_path() != path) {
    CHECK_OK(make_directories(path.parent_path(), mode));
    if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return {};
  }
  const int number = errno;
  struct stat status{};
  if (number == EEXIST && ::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(errors::io_failed, fmt::format("make the folder {}: a file of this name is in the way", path.native()));
  }
  errno = number;
  return fail_errno("make the folder", path);
}

Result<RelativePath> RelativePath::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    const std::string_view shown = text.substr(0, 200);
    return fail(errors::path_refused, fmt::format("the path {:?} {}", is_valid_utf8(shown) ? shown : "…", why));
  };
  if (text.empty()) return refuse("is empty");
  if (text.size() > 1024) return refuse("is longer than 1024 bytes");
  if (!is_valid_utf8(text)) return refuse("is not valid UTF-8");
  if (text.front() == '/') return refuse("is absolute");
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return refuse("holds a control character");
  size_t start = 0;
  while (start <= text.size()) {
    const size_t end = std::min(text.find('/', start), text.size());
    const std::string_view part = text.substr(start, end - start);
    if (part.empty()) return refuse("has an empty component");
    if (part == "." || part == "..") return refuse("has a . or .. component");
    if (part.size() > 255) return refuse("has a component longer than 255 bytes");
    start = end + 1;
  }
  return RelativePath(std::string(text));
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Result<std::optional<FileLock>> FileLock::try_lock(const std::filesystem::path& path) {
  TRY(Fd file, open_file(path, O_RDWR | O_CREAT));
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    if (errno != EINTR) return fail_errno("lock", path);
  }
  return std::optional<FileLock>(FileLock(std::move(file)));
}

Result<FileLock> FileLock::lock(const std::filesystem::path& path) {
  TRY(Fd file, open_file(path, O_RDWR | O_CREAT));
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("lock", path);
  }
  return FileLock(std::move(file));
}

}  // namespace werkbank
