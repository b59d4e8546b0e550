// One stream's file: a line of JSON with its key, then the stream's bytes. Not thread-safe.
#pragma once

#include <filesystem>
#include <optional>

#include "base/files.hh"
#include "content/log_store.hh"

namespace werkbank::content {

class LogFile {
 public:
  // Nothing where there is no such stream. A file without a whole first line was never acknowledged: it is removed.
  static Result<std::optional<LogFile>> open(const std::filesystem::path& file);
  // Writes the first line; the folder exists. Not durable before sync() and a sync of the folder.
  static Result<LogFile> create(const std::filesystem::path& file, const LogKey& key);

  const LogKey& key() const { return key_; }
  uint64_t size() const { return size_; }
  // All or nothing: after a failure the file has its old length.
  Status append(std::string_view bytes);
  // Writes what a journal kept over what there is, be it the same; not beyond a gap.
  Status restore(uint64_t offset, std::string_view bytes);
  Result<std::string> read(uint64_t offset, uint64_t size) const;
  // Tells the kernel to begin writing, without waiting: many files then go to the disk side by side.
  void start_writing() const;
  Status sync() const;
  Status cut(uint64_t size);

 private:
  LogFile(std::filesystem::path path, Fd fd, LogKey key, uint64_t header_size, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), key_(std::move(key)), header_size_(header_size), size_(size) {}

  std::filesystem::path path_;
  Fd fd_;
  LogKey key_;
  uint64_t header_size_ = 0;
  uint64_t size_ = 0;
};

// <folder>/ab/<hash of the run>, and the name of a stream's file in it. Names are hashes of the key's parts.
std::filesystem::path log_run_folder(const std::filesystem::path& folder, const RunKey& run);
std::string log_file_name(const LogKey& key);

}  // namespace werkbank::content
