#include "store/sqlite/sqlite_store.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/blocking_pool.hh"
#include "base/failpoint.hh"
#include "base/files.hh"
#include "base/log.hh"
#include "store/sqlite/schema.hh"
#include "store/sqlite/transaction.hh"

namespace werkbank::store {
namespace {

using sqlite::ConnectionPool;
using sqlite::Database;
using sqlite::SqliteReader;
using sqlite::SqliteTransaction;

// One queued write. It lives in the frame of the coroutine that awaits `done`.
struct PendingWrite {
  std::function<Status(Transaction&)> action;
  OneShot<Status> done;
  Status outcome;
};

Status guarded(const std::function<Status()>& call) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return fail(errors::internal, fmt::format("a store action threw: {}", thrown.what()));
  }
}

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& path, const SqliteConfig& config, FileLock lock, std::unique_ptr<Database> writer)
      : config_(config),
        path_(path),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        readers_(path, config.readers_max),
        resumers_(config.resumer_threads),
        thread_([this] { work(); }) {}
  ~SqliteStore() override { close(); }

  Status read(const std::function<Status(Reader&)>& action) override {
    TRY(const ConnectionPool::Lease connection, readers_.take());
    CHECK_OK(connection->execute("BEGIN"));
    SqliteReader reader(*connection);
    Status outcome = guarded([&] { return action(reader); });
    if (connection->in_transaction()) (void)connection->execute("ROLLBACK");  // nothing was written
    return outcome;
  }

  Task<Status> write(std::function<Status(Transaction&)> action) override {
    PendingWrite pending{std::move(action), {}, {}};
    if (!enqueue(&pending)) co_return fail(errors::unavailable, "the store is closed");
    Status outcome = co_await pending.done;
    co_return outcome;
  }

  void on_events(std::function<void(const std::vector<RunEvent>&)> listener) override { listener_ = std::move(listener); }

  Status copy_to(const std::string& path) override { return copy_sqlite_file(path_, path); }

  // Deleted rows are overwritten (secure_delete) and then still lie in the WAL, until it is checkpointed and cut.
  Status scrub() override {
    TRY(const std::unique_ptr<Database> connection, Database::open(path_, Database::Mode::kReader));
    return connection->empty_wal();
  }

  void close() override {
    const std::lock_guard closing(close_mutex_);
    {
      const std::lock_guard guard(mutex_);
      if (closed_) return;
      closed_ = true;
    }
    wake_.notify_all();
    thread_.join();
    resumers_.stop();
    readers_.close();
    writer_.reset();
    lock_.reset();
  }

 private:
  bool enqueue(PendingWrite* pending) {
    {
      const std::lock_guard guard(mutex_);
      if (closed_) return false;
      queue_.push_back(pending);
    }
    wake_.notify_one();
    return true;
  }

  void work() {
    std::vector<PendingWrite*> batch;
    while (take_batch(batch)) {
      commit_batch(batch);
      // Acknowledged elsewhere: whatever an awaiting coroutine does next, it does not hold up the writer.
      for (PendingWrite* const pending : batch) {
        resumers_.post([pending] {
          Status outcome = std::move(pending->outcome);
          pending->done.set(std::move(outcome));
        });
      }
      batch.clear();
    }
  }

  // False when the store is closed and nothing is left to write.
  bool take_batch(std::vector<PendingWrite*>& batch) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return closed_ || !queue_.empty(); });
    while (!queue_.empty() && batch.size() < config_.batch_max) {
      batch.push_back(queue_.front());
      queue_.pop_front();
    }
    return !batch.empty();
  }

  void commit_batch(const std::vector<PendingWrite*>& batch) {
    size_t first = 0;  // the first write of the open transaction
    std::vector<RunEvent> events;
    if (!begin_or_fail(batch, first)) return;
    for (size_t i = 0; i < batch.size(); ++i) {
      run_action(*batch[i], events);
      if (writer_->in_transaction()) continue;
      // SQLite gave the whole transaction up (disk full, I/O error): what was in it has failed with the same reason.
      const Error reason =
          batch[i]->outcome ? Error{&errors::io_failed, "the transaction was rolled back", {}, {}} : batch[i]->outcome.error();
      fail_all(batch, first, i + 1, reason);
      events.clear();
      first = i + 1;
      if (first < batch.size() && !begin_or_fail(batch, first)) return;
    }
    if (first == batch.size()) return;
    failpoint_kill("store.before_commit");
    if (Status committed = writer_->execute("COMMIT"); !committed) {
      const Error reason = std::move(committed).error();
      if (writer_->in_transaction()) (void)writer_->execute("ROLLBACK");
      log_error("store commit failed writes={} error={:?}", batch.size() - first, reason.to_string());
      fail_all(batch, first, batch.size(), reason);
      return;
    }
    failpoint_kill("store.after_commit");
    if (!events.empty() && listener_) listener_(events);
  }

  bool begin_or_fail(const std::vector<PendingWrite*>& batch, size_t first) {
    Status begun = writer_->execute("BEGIN IMMEDIATE");
    if (begun) return true;
    fail_all(batch, first, batch.size(), begun.error());
    return false;
  }

  // One action in its savepoint: it happens whole or not at all, whatever the others in the batch do.
  void run_action(PendingWrite& pending, std::vector<RunEvent>& events) {
    SqliteTransaction transaction(*writer_);
    pending.outcome = guarded([&]() -> Status {
      CHECK_OK(writer_->execute("SAVEPOINT action"));
      return pending.action(transaction);
    });
    pending.action = nullptr;  // its captures end here, not on whatever thread the coroutine goes on
    if (!writer_->in_transaction()) return;
    Status closed = {};
    if (!pending.outcome) closed = writer_->execute("ROLLBACK TO action");
    if (closed) closed = writer_->execute("RELEASE action");
    if (!closed) {
      if (pending.outcome) pending.outcome = std::move(closed);
      (void)writer_->execute("ROLLBACK");
      return;
    }
    if (pending.outcome) events.insert(events.end(), transaction.events().begin(), transaction.events().end());
  }

  // Writes whose own action was refused keep that reason.
  static void fail_all(const std::vector<PendingWrite*>& batch, size_t first, size_t end, const Error& reason) {
    for (size_t i = first; i < end; ++i) {
      if (batch[i]->outcome) batch[i]->outcome = fail(reason);
    }
  }

  const SqliteConfig config_;
  const std::filesystem::path path_;
  std::optional<FileLock> lock_;
  std::unique_ptr<Database> writer_;
  ConnectionPool readers_;
  BlockingPool resumers_;
  std::function<void(const std::vector<RunEvent>&)> listener_;
  std::mutex close_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<PendingWrite*> queue_;
  bool closed_ = false;
  std::thread thread_;  // last: it starts when everything else is there
};

}  // namespace

Status check_sqlite_file(const std::filesystem::path& path) {
  TRY(const std::unique_ptr<Database> database, Database::open(path, Database::Mode::kReader));
  return sqlite::check_integrity(*database, UINT64_MAX);
}

Status copy_sqlite_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code ignored;
  if (std::filesystem::exists(to, ignored)) return fail(errors::already_exists, fmt::format("{} is there already", to.string()));
  TRY(const std::unique_ptr<Database> source, Database::open(from, Database::Mode::kReader));
  CHECK_OK(source->execute("PRAGMA query_only=OFF"));  // VACUUM INTO writes, though only to the copy
  if (Status copied = source->execute("VACUUM INTO ?", to.string()); !copied) {
    std::filesystem::remove(to, ignored);
    return fail_in(fmt::format("copying the store to {}", to.string()), std::move(copied).error());
  }
  TRY(const Fd copy, open_file(to, O_RDWR));
  if (::fchmod(copy.get(), 0600) != 0 || ::fsync(copy.get()) != 0) return fail(errno_error(errno, to.string()));
  return sync_directory(std::filesystem::absolute(to).parent_path());
}

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path, const SqliteConfig& config) {
  TRY(std::optional<FileLock> lock, FileLock::try_lock(path.string() + ".lock"));
  if (!lock) return fail(errors::store_busy, fmt::format("{} is used by another process", path.string()));
  TRY(std::unique_ptr<Database> writer, Database::open(path, Database::Mode::kWriter));
  CHECK_OK(sqlite::check_integrity(*writer, config.integrity_check_bytes_max));
  CHECK_OK(sqlite::migrate(*writer, sqlite::store_migrations(), sqlite::kStoreApplicationId));
  CHECK_OK(sync_directory(std::filesystem::absolute(path).parent_path()));
  return std::make_unique<SqliteStore>(path, config, std::move(*lock), std::move(writer));
}

}  // namespace werkbank::store
