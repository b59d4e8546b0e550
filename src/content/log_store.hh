// Byte streams that grow while a run lives: its logs. Keyed by (run, attempt, rank, path); offsets make delivery exactly-once.
//
// Contract (tests/contract/log_store.cc): append() takes bytes at `offset` of the stream; what overlaps is ignored, a gap is a
// conflict (offset_conflict) naming the length. Acknowledged after a group fsync; concurrent appends to many streams share
// flushes. Readers see durable bytes only. Thread-safe; a coroutine that awaits append() goes on on the store's flusher thread,
// so it must not block for long there, nor call close().
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/task.hh"
#include "domain/run.hh"

namespace werkbank::content {

struct LogKey {
  RunKey run;
  int64_t attempt = 1;
  int64_t rank = 0;
  std::string path;  // "azureml-logs/70_driver_log.txt"; any safe relative path
  auto operator<=>(const LogKey&) const = default;
};

struct LogInfo {
  LogKey key;
  uint64_t size_bytes = 0;
};

class LogStore {
 public:
  virtual ~LogStore() = default;
  // Answers the durable length. The bytes are copied before the first suspension.
  virtual Task<Result<uint64_t>> append(LogKey key, uint64_t offset, std::string bytes) = 0;
  virtual Result<uint64_t> size(const LogKey& key) = 0;  // 0 for a stream never written
  virtual Result<std::string> read(const LogKey& key, uint64_t offset, uint64_t size_max) = 0;
  virtual Result<std::vector<LogInfo>> list(const RunKey& run) = 0;  // by path, then attempt, then rank
  virtual Status remove_run(const RunKey& run) = 0;
  virtual Status scrub() = 0;  // what was removed is no longer in any file
  // Called after bytes became durable. Set once, before use.
  virtual void on_append(std::function<void(const LogKey&, uint64_t size)> listener) = 0;
  virtual void close() = 0;
};

}  // namespace werkbank::content
