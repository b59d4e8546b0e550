// What the suites of log stores write with: a folder that goes away, a run's driver log.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "base/files.hh"
#include "base/hash.hh"
#include "content/log_store.hh"

namespace werkbank::content::testing {

struct TemporaryFolder {
  TemporaryFolder() : path(std::filesystem::temp_directory_path() / ("wb-logs-" + random_hex(8))) {}
  ~TemporaryFolder() { static_cast<void>(remove_tree(path)); }
  std::filesystem::path path;
};

inline const RunKey kRun{"default", "run_1"};
inline const LogKey kDriver{kRun, 1, 0, "azureml-logs/70_driver_log.txt"};

inline Result<uint64_t> append(LogStore& store, const LogKey& key, uint64_t offset, std::string bytes) {
  return sync_wait(store.append(key, offset, std::move(bytes)));
}

template <typename T>
const ErrorCode* code_of(const Result<T>& result) {
  return result ? nullptr : result.error().code;
}

}  // namespace werkbank::content::testing
