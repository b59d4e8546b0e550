#include "runner/log_stream.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.hh"
#include "base/json.hh"
#include "base/log.hh"

namespace werkbank::runner {
namespace {

constexpr size_t kPieceBytes = 1024 * 1024;

Result<std::string> read_at(int fd, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  ssize_t got = 0;
  do {
    got = pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail(errno_error(errno, "read a log"));
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

std::optional<uint64_t> size_in(const std::string& body) {
  const Result<json::value> document = parse_json(body);
  if (!document) return std::nullopt;
  JsonReader reader(*document, "answer");
  const auto size = reader.optional_int("size");
  if (!reader.finish(false) || !size || *size < 0) return std::nullopt;
  return static_cast<uint64_t>(*size);
}

}  // namespace

LogStream::LogStream(std::string path, std::filesystem::path file, StateFile& state, bool is_after_reboot)
    : path_(std::move(path)),
      file_(std::move(file)),
      state_(state),
      position_(state.log(path_)),
      is_after_reboot_(is_after_reboot) {}

Status LogStream::notice_new_incarnation(uint64_t inode, uint64_t size) {
  if (position_.inode == inode && (size >= position_.sent || is_after_reboot_)) return {};
  if (position_.inode != 0) {
    position_.base += position_.sent;
    position_.sent = 0;
  }
  position_.inode = inode;
  state_.set_log(path_, position_);
  // Before a byte of the new file is sent: an adopting runner could not tell the two apart otherwise.
  if (position_.base > 0) state_.save();
  return {};
}

// The server is at another place than we thought: after an adoption, or when an answer was lost on the way.
Result<bool> LogStream::go_to(uint64_t server_size, uint64_t file_size) {
  if (server_size >= position_.base && server_size - position_.base <= file_size) {
    position_.sent = server_size - position_.base;
  } else if (is_after_reboot_) {
    refused_ = true;
    return false;
  } else {
    position_.base = server_size;
    position_.sent = 0;
  }
  state_.set_log(path_, position_);
  state_.save();
  return position_.sent < file_size;
}

Result<bool> LogStream::send_piece(ServerLink& link) {
  if (refused_) return false;
  // O_NONBLOCK: a pipe of this name must not hold us up.
  Result<Fd> fd = open_file(file_, O_RDONLY | O_NONBLOCK);
  if (!fd) return false;  // not there yet, or not ours to read
  struct stat status{};
  if (fstat(fd->get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const auto file_size = static_cast<uint64_t>(status.st_size);
  CHECK_OK(notice_new_incarnation(status.st_ino, file_size));
  if (file_size <= position_.sent) return false;
  TRY(std::string bytes, read_at(fd->get(), position_.sent, kPieceBytes));
  if (bytes.empty()) return false;

  const size_t size = bytes.size();
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.target =
      fmt::format("{}&path={}&offset={}", link.runner_route("logs"), net::encode_segment(path_), position_.base + position_.sent);
  request.headers = {{"Content-Type", "application/octet-stream"}};
  request.body = std::move(bytes);
  failpoint_kill("runner.log.before_send");
  TRY(const net::ClientResponse answer, link.ask(request));
  failpoint_kill("runner.log.after_send");
  if (is_success(answer)) {
    position_.sent += size;
    state_.set_log(path_, position_);
    return true;
  }
  const Error error = net::error_from_response(answer);
  const std::optional<uint64_t> server_size = size_in(answer.body);
  if (error.code == &errors::offset_conflict && server_size && *server_size != position_.base + position_.sent) {
    return go_to(*server_size, file_size);
  }
  refused_ = true;
  log_error("log refused path={:?} error={:?}", path_, error.to_string());
  return false;
}

}  // namespace werkbank::runner
