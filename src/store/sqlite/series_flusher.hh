// The durable half of the series store: generations in memory over the log and series.db. Its owner gives it two threads: one
// calls flush(), one calls roll_up(); anybody may read.
#pragma once

#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <vector>

#include "store/sqlite/segment_log.hh"
#include "store/sqlite/series_database.hh"
#include "store/sqlite/series_tail.hh"

namespace werkbank::store::sqlite {

// A queued append or removal. It lives in the frame of the one who waits for it.
struct SeriesRequest {
  SeriesWriter writer;
  std::vector<MetricLine> lines;
  bool is_removal = false;                  // of writer.run
  std::binary_semaphore* waiter = nullptr;  // a removal's caller
  OneShot<Result<int64_t>> done;            // an append's
  Result<int64_t> outcome = 0;
  size_t first_new = 0;
};

class SeriesFlusher {
 public:
  SeriesFlusher(const std::filesystem::path& folder, size_t readers_max, std::unique_ptr<Database> database);

  Status open();
  // Makes the requests durable together and fills in their outcomes.
  void flush(const std::vector<SeriesRequest*>& batch);
  // Moves what is in memory into series.db. A roll-up that failed is taken up again by the next.
  Status empty_wal();
  Status roll_up();

  Result<int64_t> accepted(const SeriesWriter& writer);
  Result<std::vector<MetricSummary>> summaries(const RunKey& run);
  Result<SeriesPage> points(const RunKey& run, const std::string& metric, const std::string& column, int64_t from, int64_t limit);

  size_t points_in_memory() const;
  uint64_t segment_size_bytes();
  void close();

 private:
  // What a batch will do once it is durable.
  struct Plan {
    std::string records;
    std::map<SeriesWriter, int64_t> accepted;
    std::map<RunKey, std::vector<MetricSummary>> known;  // of runs that are not in memory yet
    std::vector<SeriesRequest*> requests;
  };
  Status plan_request(Plan& plan, SeriesRequest& request);
  void commit(Plan& plan);
  Result<std::vector<MetricSummary>> known_summaries(const RunKey& run);
  Status replay(std::string_view payload);
  void apply(const std::vector<MetricLine>& lines, size_t first, RunTail& run);

  // What memory says of a run or writer: found, known to be gone, or to be looked up in series.db.
  template <typename T, typename Find>
  std::optional<T> in_memory(const RunKey& run, Find find, bool& is_removed) const;

  SegmentLog log_;
  std::unique_ptr<Database> database_;  // the roll-up's
  ConnectionPool readers_;
  std::mutex flush_mutex_;  // held by a flush, and by the roll-up while it starts a new segment
  std::mutex rollup_mutex_;
  mutable std::shared_mutex state_mutex_;  // guards the two below; never held over I/O
  Generation active_;
  std::shared_ptr<const Generation> frozen_;  // being rolled up; shared: readers of a moment may outlive it
  uint64_t frozen_until_ = 0;
};

}  // namespace werkbank::store::sqlite
