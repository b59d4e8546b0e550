// state.json: how far the streams and files of this attempt have come. Only a cache that saves an adopting runner work: the
// server's word wins, and without the file everything is offered again. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "base/result.hh"

namespace werkbank::runner {

// A growing file and its stream on the server. A file that was cut or replaced goes on behind what was sent of its older self.
struct LogPosition {
  uint64_t inode = 0;
  uint64_t base = 0;  // where byte 0 of this incarnation of the file lies in the stream
  uint64_t sent = 0;  // bytes of this incarnation that the server has
};

// What a collected file looked like when it was uploaded.
struct FileIdentity {
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

class StateFile {
 public:
  explicit StateFile(std::filesystem::path path) : path_(std::move(path)) {}
  void load();  // an unreadable file is no file

  LogPosition log(const std::string& path) const;
  void set_log(const std::string& path, const LogPosition& position);
  uint64_t metrics_offset(const std::string& writer) const;
  void set_metrics_offset(const std::string& writer, uint64_t offset);
  FileIdentity uploaded(const std::string& path) const;  // all 0: never
  void set_uploaded(const std::string& path, const FileIdentity& identity);

  void save();  // where anything has changed since the last time

 private:
  std::filesystem::path path_;
  mutable std::mutex mutex_;
  bool changed_ = false;
  std::map<std::string, LogPosition> logs_;
  std::map<std::string, uint64_t> metrics_;
  std::map<std::string, FileIdentity> files_;
};

}  // namespace werkbank::runner
