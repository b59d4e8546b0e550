#include "store/sqlite/sqlite_series_store.hh"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <set>
#include <thread>

#include "base/blocking_pool.hh"
#include "base/files.hh"
#include "base/log.hh"
#include "store/sqlite/schema.hh"
#include "store/sqlite/series_flusher.hh"

namespace werkbank::store {
namespace {

using sqlite::Database;
using sqlite::SeriesFlusher;
using sqlite::SeriesRequest;

constexpr size_t kBatchRequestsMax = 1024;
constexpr uint64_t kIntegrityCheckBytesMax = 8 << 20;

// Two threads around a SeriesFlusher: one makes batches of requests durable, one rolls up.
class ThreadedSeriesStore final : public SqliteSeriesStore {
 public:
  ThreadedSeriesStore(const SeriesConfig& config, FileLock lock, std::unique_ptr<SeriesFlusher> flusher)
      : config_(config),
        lock_(std::move(lock)),
        flusher_(std::move(flusher)),
        resumers_(config.resumer_threads),
        flush_thread_([this] { flush_loop(); }),
        rollup_thread_([this] { rollup_loop(); }) {}
  ~ThreadedSeriesStore() override { close(); }

  Task<Result<int64_t>> append(SeriesWriter writer, std::vector<MetricLine> lines) override {
    SeriesRequest request;
    request.writer = std::move(writer);
    request.lines = std::move(lines);
    if (!enqueue(&request)) co_return closed_error();
    Result<int64_t> outcome = co_await request.done;
    co_return outcome;
  }

  // Waits on the flusher's thread directly: the caller may itself be on the thread that resumes coroutines.
  Status remove_run(const RunKey& run) override {
    std::binary_semaphore waiter(0);
    SeriesRequest request;
    request.writer.run = run;
    request.is_removal = true;
    request.waiter = &waiter;
    if (!enqueue(&request)) return closed_error();
    waiter.acquire();
    CHECK_OK(request.outcome);
    return {};
  }

  Result<int64_t> accepted(const SeriesWriter& writer) override { return flusher_->accepted(writer); }
  Result<std::vector<MetricSummary>> summaries(const RunKey& run) override { return flusher_->summaries(run); }
  Result<SeriesPage> points(const RunKey& run, const std::string& metric, const std::string& column, int64_t from_sequence,
                            int64_t limit) override {
    return flusher_->points(run, metric, column, from_sequence, limit);
  }
  void on_points(std::function<void(const RunKey&)> listener) override { listener_ = std::move(listener); }

  Status roll_up() override {
    const std::lock_guard closing(close_mutex_);
    if (is_closed_) return closed_error();
    return flusher_->roll_up();
  }

  // Removed chunks are overwritten by the roll-up that carries the removal out; then the segments and the WAL still hold them.
  Status scrub() override {
    const std::lock_guard closing(close_mutex_);
    if (is_closed_) return closed_error();
    CHECK_OK(flusher_->roll_up());
    return flusher_->empty_wal();
  }

  void close() override {
    const std::lock_guard closing(close_mutex_);
    if (is_closed_) return;
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    rollup_wake_.notify_all();
    flush_thread_.join();
    rollup_thread_.join();
    resumers_.stop();
    flusher_->close();
    lock_.reset();
    is_closed_ = true;
  }

 private:
  static std::unexpected<Error> closed_error() { return fail(errors::unavailable, "the series store is closed"); }

  bool enqueue(SeriesRequest* request) {
    {
      const std::lock_guard guard(mutex_);
      if (stopping_) return false;
      queue_.push_back(request);
    }
    wake_.notify_one();
    return true;
  }

  void flush_loop() {
    std::vector<SeriesRequest*> batch;
    while (take_batch(batch)) {
      if (std::optional<Error> blocked = wait_for_room()) {
        for (SeriesRequest* const request : batch) request->outcome = fail(*blocked);
      } else {
        flusher_->flush(batch);
      }
      ask_for_rollup_if_due();
      tell_listener(batch);
      for (SeriesRequest* const request : batch) acknowledge(request);
      batch.clear();
    }
  }

  bool take_batch(std::vector<SeriesRequest*>& batch) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    while (!queue_.empty() && batch.size() < kBatchRequestsMax) {
      batch.push_back(queue_.front());
      queue_.pop_front();
    }
    return !batch.empty();
  }

  // The tail in memory is bounded: a flood waits for the roll-up, and where that fails (disk full) appends fail with its reason.
  std::optional<Error> wait_for_room() {
    if (flusher_->points_in_memory() < config_.tail_points_max) return std::nullopt;
    std::unique_lock lock(mutex_);
    const uint64_t before = rollups_done_;
    rollup_wanted_ = true;
    rollup_wake_.notify_one();
    room_.wait(lock, [&] { return stopping_ || rollups_done_ != before; });
    return rollup_error_;
  }

  void ask_for_rollup_if_due() {
    if (flusher_->points_in_memory() < config_.rollup_points && flusher_->segment_size_bytes() < config_.rollup_bytes) return;
    {
      const std::lock_guard guard(mutex_);
      rollup_wanted_ = true;
    }
    rollup_wake_.notify_one();
  }

  void tell_listener(const std::vector<SeriesRequest*>& batch) {
    if (!listener_) return;
    std::set<RunKey> runs;
    for (const SeriesRequest* const request : batch) {
      if (!request->is_removal && request->outcome && request->first_new < request->lines.size())
        runs.insert(request->writer.run);
    }
    for (const RunKey& run : runs) listener_(run);
  }

  void acknowledge(SeriesRequest* request) {
    if (request->waiter != nullptr) {
      request->waiter->release();
      return;
    }
    resumers_.post([request] {
      Result<int64_t> outcome = std::move(request->outcome);
      request->done.set(std::move(outcome));
    });
  }

  void rollup_loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      rollup_wake_.wait_for(lock, config_.rollup_interval, [&] { return stopping_ || rollup_wanted_; });
      if (stopping_) break;
      rollup_wanted_ = false;
      lock.unlock();
      Status rolled = flusher_->roll_up();
      if (!rolled) log_error("series roll-up failed error={:?}", rolled.error().to_string());
      lock.lock();
      rollup_error_ = rolled ? std::nullopt : std::optional<Error>(std::move(rolled).error());
      ++rollups_done_;
      room_.notify_all();
    }
    room_.notify_all();
  }

  const SeriesConfig config_;
  std::optional<FileLock> lock_;
  std::unique_ptr<SeriesFlusher> flusher_;
  BlockingPool resumers_;
  std::function<void(const RunKey&)> listener_;
  std::mutex close_mutex_;
  bool is_closed_ = false;
  std::mutex mutex_;
  std::condition_variable wake_, rollup_wake_, room_;
  std::deque<SeriesRequest*> queue_;
  bool stopping_ = false;
  bool rollup_wanted_ = false;
  uint64_t rollups_done_ = 0;
  std::optional<Error> rollup_error_;
  std::thread flush_thread_, rollup_thread_;  // last: they start when everything else is there
};

}  // namespace

Result<std::unique_ptr<SqliteSeriesStore>> open_sqlite_series_store(const std::filesystem::path& folder,
                                                                    const SeriesConfig& config) {
  CHECK_OK(make_directories(folder));
  TRY(std::optional<FileLock> lock, FileLock::try_lock(folder / "series.lock"));
  if (!lock) return fail(errors::store_busy, fmt::format("{} is used by another process", folder.string()));
  TRY(std::unique_ptr<Database> database, Database::open(folder / "series.db", Database::Mode::kWriter));
  CHECK_OK(sqlite::check_integrity(*database, kIntegrityCheckBytesMax));
  CHECK_OK(sqlite::migrate(*database, sqlite::series_migrations(), sqlite::kSeriesApplicationId));
  auto flusher = std::make_unique<SeriesFlusher>(folder, config.readers_max, std::move(database));
  CHECK_OK(flusher->open());
  return std::make_unique<ThreadedSeriesStore>(config, std::move(*lock), std::move(flusher));
}

}  // namespace werkbank::store
