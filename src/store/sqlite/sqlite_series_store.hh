// The series store on a folder: a segment log with group fdatasync, and series.db for what is rolled up
// (docs/reference/series-format.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "store/series.hh"

namespace werkbank::store {

struct SeriesConfig {
  size_t readers_max = 4;                             // read connections to series.db, opened on demand
  size_t resumer_threads = 2;                         // threads on which awaiting coroutines go on
  size_t rollup_points = 256 * 1024;                  // points in memory that start a roll-up …
  uint64_t rollup_bytes = 64 << 20;                   // … or bytes in the current segment …
  std::chrono::milliseconds rollup_interval{30'000};  // … or time: after two of them an idle series is out of memory
  size_t tail_points_max = 4 * 1024 * 1024;           // appends wait for the roll-up beyond this; where it fails they fail, too
};

class SqliteSeriesStore : public SeriesStore {
 public:
  // Rolls up what is in memory now, and waits for it. By itself this happens in the background.
  virtual Status roll_up() = 0;
};

// Opens or creates the folder (mode 0700), replays the log, cuts a torn tail.
// store_busy: another process has it; store_newer; store_corrupt.
Result<std::unique_ptr<SqliteSeriesStore>> open_sqlite_series_store(const std::filesystem::path& folder,
                                                                    const SeriesConfig& config = {});

}  // namespace werkbank::store
