// Files: the one door to the disk below the stores. Every failure names the path. What is not there is not_found, a path with NUL
// is path_refused, a full disk is disk_full, everything else is io_failed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hh"

namespace werkbank {

// An owned file descriptor; closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

Result<Fd> open_file(const std::filesystem::path& path, int flags, int mode = 0600);  // O_CLOEXEC is added
Status write_all(int fd, std::string_view bytes);
Result<std::string> read_file(const std::filesystem::path& path, uint64_t size_max = UINT64_MAX);  // too_large above size_max
// Bytes [offset, offset+size_max) as far as they exist.
Result<std::string> read_file_range(const std::filesystem::path& path, uint64_t offset, uint64_t size_max);
// Temporary file in the same folder, fsync, rename, fsync of the folder: readers see the old or the new content, never a part.
Status write_file_atomically(const std::filesystem::path& path, std::string_view bytes, int mode = 0600, bool durable = true);
Status sync_directory(const std::filesystem::path& path);
Status make_directories(const std::filesystem::path& path, int mode = 0700);
Status remove_tree(const std::filesystem::path& path);  // never follows a link, never leaves the tree, absent is fine

// A path that came from outside and is now safe to join below a folder of ours: relative, '/', valid UTF-8, no empty, '.' or
// '..' component, no NUL or control character, at most 1024 bytes and 255 per component. path_refused otherwise.
class RelativePath {
 public:
  static Result<RelativePath> parse(std::string_view text);
  const std::string& text() const { return text_; }
  std::filesystem::path below(const std::filesystem::path& folder) const { return folder / text_; }

 private:
  explicit RelativePath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

bool is_valid_utf8(std::string_view text);

// An advisory lock on a file (flock), held until destroyed. try_lock answers an empty optional where somebody else holds it.
class FileLock {
 public:
  static Result<std::optional<FileLock>> try_lock(const std::filesystem::path& path);
  static Result<FileLock> lock(const std::filesystem::path& path);  // blocks

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace werkbank
