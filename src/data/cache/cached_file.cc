// One file of the cache: its pieces, its map, its way to being whole.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/hash.hh"
#include "base/process.hh"
#include "data/cache/file_cache.hh"

namespace werkbank::data {
namespace {

namespace fs = std::filesystem;

constexpr int kOpenAttempts = 10;
constexpr int64_t kTouchSeconds = 60;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kAlignment = 4096;  // of what goes past the kernel's cache

// A map belongs to one part file of one boot: what it says of another one is not true.
struct MapHeader {
  std::array<char, 8> magic{'w', 'b', 'm', 'a', 'p', '1', 0, 0};
  std::array<char, 40> boot{};
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
};
static_assert(sizeof(MapHeader) == kHeaderBytes);

const std::string& boot_id() {
  static const std::string id = [] {
    const Result<ProcessId> self = process_id_of(::getpid());
    return self ? self->boot_id : random_uuid();
  }();
  return id;
}

Status write_at(int fd, std::string_view bytes, uint64_t offset, const fs::path& file) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, file.string()));
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

// Held as long as the descriptor is open. False: somebody has removed the file, or puts another one in its place.
bool hold(int fd, struct stat& facts) {
  while (::flock(fd, LOCK_SH) != 0) {
    if (errno != EINTR) return false;
  }
  return ::fstat(fd, &facts) == 0 && facts.st_nlink > 0;
}

void touch(int fd, const struct stat& facts) {
  if (::time(nullptr) - facts.st_mtim.tv_sec > kTouchSeconds) ::futimens(fd, nullptr);
}

}  // namespace

CachedFile::CachedFile(fs::path place, uint64_t size_bytes)
    : place_(std::move(place)), size_bytes_(size_bytes), pieces_((size_bytes + kCachePieceBytes - 1) / kCachePieceBytes) {}

CachedFile::~CachedFile() = default;

fs::path CachedFile::part_path() const { return fs::path(place_) += ".part"; }
fs::path CachedFile::map_path() const { return fs::path(place_) += ".map"; }

Status CachedFile::open_parts() {
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    struct stat facts{};
    if (Fd fd(::open(place_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)); fd) {
      if (!hold(fd.get(), facts)) continue;
      if (static_cast<uint64_t>(facts.st_size) != size_bytes_) {
        ::unlink(place_.c_str());  // cut off when the power went
        continue;
      }
      touch(fd.get(), facts);
      data_ = std::move(fd);
      whole_ = true;
      return {};
    }
    if (pieces_ <= 1) return {};
    Fd fd(::open(part_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return fail(errno_error(errno, part_path().string()));
    if (!hold(fd.get(), facts)) continue;
    if (::ftruncate(fd.get(), static_cast<off_t>(size_bytes_)) != 0) return fail(errno_error(errno, part_path().string()));
    touch(fd.get(), facts);
    data_ = std::move(fd);
    // Who fetched it has the bytes in memory; copies of them in the kernel would cost more than the writing.
    direct_ = Fd(::open(fmt::format("/proc/self/fd/{}", data_.get()).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    known_.resize(pieces_);
    return begin_map();
  }
  return fail(errors::io_failed, fmt::format("{} is removed again and again", place_.string()));
}

Status CachedFile::begin_map() {
  const fs::path path = map_path();
  struct stat facts{};
  if (::fstat(data_.get(), &facts) != 0) return fail(errno_error(errno, part_path().string()));
  MapHeader wanted{.inode = facts.st_ino, .size_bytes = size_bytes_};
  std::memcpy(wanted.boot.data(), boot_id().data(), std::min(boot_id().size(), wanted.boot.size()));
  TRY(map_, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
  MapHeader there{};
  const bool same = ::pread(map_.get(), &there, sizeof there, 0) == static_cast<ssize_t>(sizeof there) &&
                    std::memcmp(&there, &wanted, sizeof there) == 0;
  if (same) return {};
  // The marks go before the header comes: whoever sees the header sees no mark of before.
  CHECK_OK(write_at(map_.get(), std::string(pieces_, '\0'), kHeaderBytes, path));
  return write_at(map_.get(), {reinterpret_cast<const char*>(&wanted), sizeof wanted}, 0, path);
}

bool CachedFile::has(uint64_t piece) {
  const std::lock_guard lock(mutex_);
  if (whole_) return true;
  if (piece >= known_.size()) return false;
  if (known_[piece]) return true;
  char mark = 0;
  if (::pread(map_.get(), &mark, 1, static_cast<off_t>(kHeaderBytes + piece)) != 1 || mark != 1) return false;
  known_[piece] = true;
  ++known_count_;
  return true;
}

bool CachedFile::is_whole() {
  const std::lock_guard lock(mutex_);
  return whole_;
}

Status CachedFile::store(uint64_t piece, std::string_view bytes) {
  if (pieces_ <= 1) {
    const std::lock_guard lock(mutex_);
    if (whole_) return {};
    const fs::path made = fs::path(place_) += ".new-" + random_hex(8);
    TRY(Fd fd, open_file(made, O_RDWR | O_CREAT | O_EXCL));
    struct stat facts{};
    Status outcome = write_at(fd.get(), bytes, 0, made);
    if (outcome && (!hold(fd.get(), facts) || ::fchmod(fd.get(), 0400) != 0 || ::rename(made.c_str(), place_.c_str()) != 0))
      outcome = fail(errno_error(errno, made.string()));
    if (!outcome) {
      ::unlink(made.c_str());
      return outcome;
    }
    data_ = std::move(fd);
    whole_ = true;
    return {};
  }
  if (has(piece)) return {};
  const bool is_aligned = reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0 && bytes.size() % kAlignment == 0;
  const bool is_written = is_aligned && direct_ && write_at(direct_.get(), bytes, piece * kCachePieceBytes, part_path());
  if (!is_written) CHECK_OK(write_at(data_.get(), bytes, piece * kCachePieceBytes, part_path()));
  CHECK_OK(write_at(map_.get(), std::string_view("\1", 1), kHeaderBytes + piece, map_path()));
  {
    const std::lock_guard lock(mutex_);
    if (!known_[piece]) ++known_count_;
    known_[piece] = true;
  }
  // Once a while is enough to notice what others have brought.
  if (piece + 1 == pieces_ || known_count_ == pieces_) settle();
  return {};
}

void CachedFile::settle() {
  for (uint64_t piece = 0; piece < pieces_; ++piece) {
    if (!has(piece)) return;
  }
  if (!is_whole() && data_) finish();
}

void CachedFile::finish() {
  // Without its map nobody asks any more which bytes of it are there.
  if (::fdatasync(data_.get()) != 0 || ::fchmod(data_.get(), 0400) != 0) return;
  const std::lock_guard lock(mutex_);
  if (whole_) return;
  struct stat ours{}, named{};
  const bool is_ours =
      ::fstat(data_.get(), &ours) == 0 && ::stat(part_path().c_str(), &named) == 0 && ours.st_ino == named.st_ino;
  if (is_ours && ::rename(part_path().c_str(), place_.c_str()) == 0) ::unlink(map_path().c_str());
  whole_ = true;
}

}  // namespace werkbank::data
