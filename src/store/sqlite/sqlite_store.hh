// The store on one SQLite file: WAL, synchronous=FULL, one writer thread with group commit, a small pool of readers.
#pragma once

#include <filesystem>
#include <memory>

#include "store/store.hh"

namespace werkbank::store {

struct SqliteConfig {
  size_t readers_max = 4;                        // read connections, opened on demand
  size_t batch_max = 1024;                       // writes that share one commit at most
  size_t resumer_threads = 2;                    // threads on which awaiting coroutines go on
  uint64_t integrity_check_bytes_max = 8 << 20;  // files up to this size are checked whole at opening
};

// Opens or creates the file (mode 0600) and brings its schema up to date.
// store_busy: another process has it; store_newer; store_corrupt names the newest entry of `backups/` beside the file.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path, const SqliteConfig& config = {});

// Reads the whole of a database of ours, records or series, while it may be in use: store_corrupt where it does not read back.
Status check_sqlite_file(const std::filesystem::path& path);

// A consistent copy of a database of ours, records or series, while it may be in use. already_exists; mode 0600, durable.
Status copy_sqlite_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace werkbank::store
