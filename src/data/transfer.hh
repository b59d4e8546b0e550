// Many files between this machine and a data store, several at a time. What a transfer that breaks off has brought stays, and the
// next one goes on from there: whole files are skipped, a download continues in its part file.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/data_store.hh"

namespace werkbank::data {

struct TransferItem {
  std::string path;            // in the datastore
  std::filesystem::path file;  // on this machine
  uint64_t size_bytes = 0;
  std::string etag;  // downloads: the content that is meant
  std::string hash;  // downloads: checked when all bytes are there (content_hash.hh); empty: not known
};

enum class TransferStep { kStarted, kDone, kSkipped };

struct TransferOptions {
  std::function<Result<std::unique_ptr<DataStore>>()> open;  // each thread has its own; called from any thread
  bool overwrite = false;
  size_t threads = 8;
  int attempts = 4;                      // per file, while the storage is unavailable
  std::chrono::milliseconds pause{500};  // before the second attempt; doubles with each
  // Both are called by one thread at a time.
  std::function<void(TransferStep, const TransferItem&)> on_step = [](TransferStep, const TransferItem&) {};
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
};

struct TransferCount {
  size_t done = 0, skipped = 0;
};

// What an upload of a folder or of files takes along; the paths are below `target` ("" for the top). Refused before a byte is
// sent: not_found, path_refused, already_exists for two files with one path.
Result<std::vector<TransferItem>> find_uploads(const std::filesystem::path& folder, const std::string& target);
Result<std::vector<TransferItem>> find_uploads(const std::vector<std::filesystem::path>& files,
                                               const std::filesystem::path& relative_root, const std::string& target);
// What lies at or below `path` in the datastore ("" for all), and its places below `folder`, under the whole path.
Result<std::vector<TransferItem>> find_downloads(DataStore& store, const std::string& path, const std::filesystem::path& folder);

// The first failure ends the transfer: no further file is begun.
Result<TransferCount> upload(const std::vector<TransferItem>& items, const TransferOptions& options);
// data_changed where the storage has other content than the item's etag, size and hash say.
// disk_full before the first byte where the file system has no room for what is to come.
Result<TransferCount> download(const std::vector<TransferItem>& items, const TransferOptions& options);

}  // namespace werkbank::data
