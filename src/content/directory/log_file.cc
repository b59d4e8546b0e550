#include "content/directory/log_file.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.hh"
#include "base/json.hh"

namespace werkbank::content {
namespace {

constexpr int kFormat = 1;
constexpr size_t kHeaderBytesMax = 64 * 1024;

std::string header_line(const LogKey& key) {
  const json::object header{{"werkbankLog", kFormat}, {"workspace", key.run.workspace},
                            {"run", key.run.run_id},  {"attempt", key.attempt},
                            {"rank", key.rank},       {"path", key.path}};
  return canonical_json(header) + '\n';
}

Result<LogKey> parse_header(std::string_view line) {
  TRY(const json::value value, parse_json(line));
  JsonReader reader(value, "log header");
  if (reader.int_or("werkbankLog", 0, 0, 1'000'000) > kFormat) {
    return fail(errors::store_newer, "a log was written by a newer Werkbank");
  }
  LogKey key;
  key.run.workspace = reader.required_string("workspace");
  key.run.run_id = reader.required_string("run");
  key.attempt = reader.int_or("attempt", 1, INT64_MIN, INT64_MAX);
  key.rank = reader.int_or("rank", 0, INT64_MIN, INT64_MAX);
  key.path = reader.required_string("path");
  CHECK_OK(reader.finish());
  return key;
}

Result<std::string> read_at(int fd, const std::filesystem::path& path, uint64_t offset, uint64_t size) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "cannot read " + path.string()));
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

std::filesystem::path log_run_folder(const std::filesystem::path& folder, const RunKey& run) {
  // No name holds a NUL, so the parts cannot run into each other.
  const std::string hex = Hash::of(run.workspace + '\0' + run.run_id).hex().substr(0, 40);
  return folder / hex.substr(0, 2) / hex.substr(2);
}

std::string log_file_name(const LogKey& key) {
  return Hash::of(fmt::format("{} {} {}", key.attempt, key.rank, key.path)).hex().substr(0, 40) + ".log";
}

Result<LogFile> LogFile::create(const std::filesystem::path& file, const LogKey& key) {
  // Under another name first: who lists the folder meanwhile never sees a file without its key.
  std::filesystem::path incoming = file;
  incoming += ".new";
  TRY(Fd fd, open_file(incoming, O_RDWR | O_CREAT | O_TRUNC));
  const std::string header = header_line(key);
  if (Status written = write_all(fd.get(), header); !written) {
    ::unlink(incoming.c_str());
    return fail_in(incoming.string(), written.error());
  }
  if (::rename(incoming.c_str(), file.c_str()) != 0) return fail(errno_error(errno, "cannot create " + file.string()));
  return LogFile(file, std::move(fd), key, header.size(), 0);
}

Result<std::optional<LogFile>> LogFile::open(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT) return std::optional<LogFile>();
    return fail(errno_error(errno, "cannot open " + file.string()));
  }
  struct stat facts{};
  if (::fstat(fd.get(), &facts) != 0) return fail(errno_error(errno, "cannot look at " + file.string()));
  const auto file_size = static_cast<uint64_t>(facts.st_size);
  TRY(std::string head, read_at(fd.get(), file, 0, std::min<uint64_t>(file_size, 1024)));
  if (head.find('\n') == std::string::npos) {
    TRY(head, read_at(fd.get(), file, 0, std::min<uint64_t>(file_size, kHeaderBytesMax)));
  }
  const size_t line_end = head.find('\n');
  if (line_end == std::string::npos && file_size < kHeaderBytesMax) {
    if (::unlink(file.c_str()) != 0) return fail(errno_error(errno, "cannot remove " + file.string()));
    return std::optional<LogFile>();
  }
  auto key = parse_header(std::string_view(head).substr(0, line_end));
  if (!key) {
    if (key.error().code == &errors::store_newer) return fail_in(file.string(), key.error());
    return fail(errors::store_corrupt, fmt::format("{} does not begin with its key: {}", file.string(), key.error().message),
                "The disk or somebody changed it. Move the file away to go on without this log, or restore a backup.");
  }
  const uint64_t header_size = line_end + 1;
  return LogFile(file, std::move(fd), std::move(*key), header_size, file_size - header_size);
}

Status LogFile::restore(uint64_t offset, std::string_view bytes) {
  WB_INVARIANT(offset <= size_);
  const uint64_t end = std::max(size_, offset + bytes.size());
  size_ = offset;
  CHECK_OK(append(bytes));
  size_ = end;
  return {};
}

Status LogFile::append(std::string_view bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(header_size_ + size_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error_number = errno;
      CHECK_OK(cut(size_));
      return fail(errno_error(error_number, "cannot append to " + path_.string()));
    }
    done += static_cast<size_t>(count);
  }
  size_ += bytes.size();
  return {};
}

Result<std::string> LogFile::read(uint64_t offset, uint64_t size) const {
  return read_at(fd_.get(), path_, header_size_ + offset, size);
}

void LogFile::start_writing() const { ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }

Status LogFile::sync() const {
  if (::fdatasync(fd_.get()) != 0) return fail(errno_error(errno, "cannot sync " + path_.string()));
  return {};
}

Status LogFile::cut(uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(header_size_ + size)) != 0) {
    return fail(errno_error(errno, "cannot cut " + path_.string()));
  }
  size_ = size;
  return {};
}

}  // namespace werkbank::content
