// The bytes of a mount's files: from the disk cache, from a folder of this machine, or fetched piece by piece from the storage by
// a few connections, which ask ahead where a file is read from front to back. Thread-safe. No FUSE here.
//
// A read waits at most `patience` for the storage and then fails (storage_unavailable); each failure of a file is a line to the
// log.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/file_cache.hh"
#include "data/data_store.hh"
#include "mount/file_tree.hh"

namespace werkbank::mount {

struct PieceSource {
  std::string identity;                // of the storage, for the cache
  std::filesystem::path local_folder;  // set: its files are read where they are
  std::function<Result<std::unique_ptr<data::DataStore>>()> open;
};

struct ReaderOptions {
  size_t connections = 8;
  std::chrono::milliseconds patience{120'000};  // of one read
  int attempts = 4;                             // of one fetch, while the storage is unavailable
  std::chrono::milliseconds pause{500};         // before the second one; doubles with each
  uint64_t ahead_bytes_max = 32ULL * 1024 * 1024;
  uint64_t memory_bytes_max = 64ULL * 1024 * 1024;  // pieces kept for who reads them next
  size_t open_files_max = 256;
  std::function<void(const std::string& line)> log = [](const std::string&) {};
};

// A part of an answer: bytes in memory, or bytes at a place of an open file.
struct ReadPart {
  std::shared_ptr<const void> keeper;  // what holds them
  const char* bytes = nullptr;
  int fd = -1;
  uint64_t fd_offset = 0;
  size_t size_bytes = 0;
};

// A read that somebody may give up. wake() comes from any thread.
class Waiting {
 public:
  void give_up() { given_up_ = true; }
  bool is_given_up() const { return given_up_; }

 private:
  std::atomic<bool> given_up_ = false;
};

class PieceReader {
 public:
  // `files` and `cache` (nullptr: none) outlive it.
  PieceReader(const std::vector<MountedFile>& files, std::vector<PieceSource> sources, data::FileCache* cache,
              ReaderOptions options);
  ~PieceReader();  // waits for the connections' threads: up to a minute where a storage is silent

  // Bytes [offset, offset+size) as far as the file has them. `interrupted` where it was given up or the reader is stopping.
  Result<std::vector<ReadPart>> read(size_t file, uint64_t offset, size_t size, const Waiting& waiting);
  // The open file where it lies in a folder here, and is the one that was mounted; a failure is said as a read's.
  Result<std::optional<ReadPart>> local_file(size_t file);
  bool is_local(size_t source) const;
  // Reads that wait look whether they are given up.
  void wake();
  // Every read that waits fails, and every later one; no fetch begins any more.
  void stop();
  // Waits for what is still on its way to the disk cache.
  void finish_writes(std::chrono::milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace werkbank::mount
