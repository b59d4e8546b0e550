#include "content/directory/directory_log_store.hh"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "content/directory/crash_marker.hh"
#include "content/directory/log_file.hh"
#include "content/directory/log_journal.hh"
#include "content/directory/run_lists.hh"
#include "content/directory/stream_table.hh"

namespace werkbank::content {
namespace {

// Appends that come to more than this together are synced in their own files: twice on the disk would cost more than syncs.
constexpr uint64_t kRecordedBytesMax = 256 * 1024;
constexpr size_t kJournalBytesMax = 4 << 20;
constexpr const char* kRestartHint = "Check the disk and restart the server.";

struct Waiter {
  StreamPointer stream;
  uint64_t end = 0;  // acknowledged when this length is durable
  OneShot<Result<uint64_t>> done;
};

std::filesystem::path journal_file(const std::filesystem::path& folder) { return folder / "journal"; }

// Brings back what was acknowledged before a crash and had not reached its own file.
Status replay_journal(const std::filesystem::path& folder) {
  bool is_whole = true;
  const auto restore = [&folder, &is_whole](const LogKey& key, uint64_t offset, std::string_view bytes) -> Status {
    const std::filesystem::path file = log_run_folder(folder, key.run) / log_file_name(key);
    auto opened = LogFile::open(file);
    if (!opened) {
      if (opened.error().code != &errors::store_corrupt) return fail(std::move(opened).error());
      // A damaged file is named to whoever asks for it.
      is_whole = false;
      return {};
    }
    if (!*opened) {
      CHECK_OK(make_directories(file.parent_path()));
      TRY(*opened, LogFile::create(file, key));
    }
    // Somebody took the file away: what follows cannot be put anywhere.
    if (offset > (*opened)->size()) {
      is_whole = false;
      return {};
    }
    return (*opened)->restore(offset, bytes);
  };
  CHECK_OK(LogJournal::replay(journal_file(folder), restore));
  CHECK_OK(sync_file_system(folder));
  if (is_whole) return LogJournal(journal_file(folder), 0).discard();
  TRY(const std::filesystem::path aside, LogJournal::set_aside(journal_file(folder)));
  log_warning("log journal set aside: some of it fits no log any more file={:?}", aside.string());
  return {};
}

class DirectoryLogStore final : public LogStore {
 public:
  DirectoryLogStore(std::filesystem::path folder, CrashMarker marker, LogStoreOptions options)
      : folder_(std::move(folder)),
        marker_(std::move(marker)),
        unsynced_max_(std::max<size_t>(1, options.open_files_max / 2)),
        journal_(journal_file(folder_), kJournalBytesMax),
        streams_(options.open_files_max),
        flusher_([this] { flush(); }) {}
  ~DirectoryLogStore() override { close(); }

  Task<Result<uint64_t>> append(LogKey key, uint64_t offset, std::string bytes) override;
  Result<uint64_t> size(const LogKey& key) override;
  Result<std::string> read(const LogKey& key, uint64_t offset, uint64_t size_max) override;
  Result<std::vector<LogInfo>> list(const RunKey& run) override;
  Status remove_run(const RunKey& run) override;
  Status scrub() override;
  void on_append(std::function<void(const LogKey&, uint64_t size)> listener) override { listener_ = std::move(listener); }
  void close() override;

 private:
  StreamPointer acquire(const LogKey& key) {
    const std::lock_guard lock(mutex_);
    return streams_.acquire(key);
  }
  std::filesystem::path file_of(const LogKey& key) const { return log_run_folder(folder_, key.run) / log_file_name(key); }
  Result<std::vector<LogKey>> look_through(const RunKey& run) const;
  Status open_stream(Stream& stream);
  Status create_file(Stream& stream);
  // Queues the waiter, or answers the durable length where there is nothing to wait for.
  Result<std::optional<uint64_t>> write(const LogKey& key, uint64_t offset, std::string_view bytes, Waiter& waiter);

  void flush();
  void flush_streams(const std::vector<StreamPointer>& streams);
  // These are called with the journal's lock held.
  bool record(const std::vector<StreamPointer>& streams, std::vector<uint64_t>& targets);
  Result<bool> add_records(const std::vector<StreamPointer>& streams, const std::vector<uint64_t>& targets);
  void stop_journal();
  Status sync_recorded();
  Status sync_stream(const StreamPointer& stream, std::set<std::filesystem::path>& synced);
  Status sync_file(Stream& stream, std::set<std::filesystem::path>& synced);
  Status sync_names(Stream& stream, std::set<std::filesystem::path>& synced);

  const std::filesystem::path folder_;
  CrashMarker marker_;
  std::function<void(const LogKey&, uint64_t)> listener_;

  const size_t unsynced_max_;
  std::mutex journal_mutex_;  // guards what follows; taken after the table's and before a stream's
  LogJournal journal_;
  bool has_journal_ = true;           // false: it failed
  bool keeps_journal_ = false;        // it alone has what a file failed to take: for the next start, and nothing more is recorded
  std::set<StreamPointer> unsynced_;  // durable by the journal, not yet by their own files
  std::mutex mutex_;                  // guards the table
  StreamTable streams_;
  std::mutex lists_mutex_;  // taken last
  RunLists lists_;
  std::mutex queue_mutex_;
  std::condition_variable wake_;
  std::vector<Waiter*> queue_;  // each lives in the frame of the coroutine that awaits it
  bool closed_ = false;
  std::thread flusher_;
};

// Called with the stream's lock held, as is create_file().
Status DirectoryLogStore::open_stream(Stream& stream) {
  if (stream.is_opened) return {};
  const std::filesystem::path file = file_of(stream.key);
  TRY(stream.file, LogFile::open(file));
  if (stream.file && stream.file->key() != stream.key) {
    stream.file.reset();
    return fail(errors::store_corrupt, file.string() + " holds another stream than its name says",
                "Somebody renamed it. Move the file away, or restore a backup.");
  }
  // What is on the disk at open is durable: see CrashMarker.
  stream.durable = stream.file ? stream.file->size() : 0;
  stream.is_opened = true;
  return {};
}

Status DirectoryLogStore::create_file(Stream& stream) {
  const std::filesystem::path file = file_of(stream.key);
  CHECK_OK(make_directories(file.parent_path()));
  TRY(LogFile created, LogFile::create(file, stream.key));
  stream.file.emplace(std::move(created));
  stream.is_name_new = true;
  const std::lock_guard lock(lists_mutex_);
  lists_.add(stream.key);
  return {};
}

Result<std::optional<uint64_t>> DirectoryLogStore::write(const LogKey& key, uint64_t offset, std::string_view bytes,
                                                         Waiter& waiter) {
  while (true) {
    waiter.stream = acquire(key);
    Stream& stream = *waiter.stream;
    const std::lock_guard lock(stream.mutex);
    if (stream.is_removed) continue;
    CHECK_OK(open_stream(stream));
    if (stream.is_broken) {
      return fail(errors::io_failed, fmt::format("{} could not be synced", file_of(key).string()), kRestartHint);
    }
    const uint64_t length = stream.file ? stream.file->size() : 0;
    if (offset > length) {
      return fail(errors::offset_conflict,
                  fmt::format("bytes at offset {} do not continue {:?}, which has {} bytes", offset, key.path, length));
    }
    const uint64_t known = length - offset;
    waiter.end = offset + bytes.size();
    if (waiter.end <= stream.durable) return stream.durable;
    if (!stream.file) CHECK_OK(create_file(stream));
    if (known < bytes.size()) CHECK_OK(stream.file->append(bytes.substr(known)));
    // Under the stream's lock, so that the flusher never sees a length whose waiter is not queued and forgets the file.
    const std::lock_guard queue_lock(queue_mutex_);
    if (closed_) return fail(errors::unavailable, "the log store is closed");
    queue_.push_back(&waiter);
    wake_.notify_one();
    return std::optional<uint64_t>();
  }
}

Task<Result<uint64_t>> DirectoryLogStore::append(LogKey key, uint64_t offset, std::string bytes) {
  Waiter waiter;
  CO_TRY(const std::optional<uint64_t> durable, write(key, offset, bytes, waiter));
  if (durable) co_return *durable;
  Result<uint64_t> outcome = co_await waiter.done;
  co_return outcome;
}

void DirectoryLogStore::flush() {
  while (true) {
    std::vector<Waiter*> waiters;
    {
      std::unique_lock lock(queue_mutex_);
      wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      waiters.swap(queue_);
    }
    std::vector<StreamPointer> streams;
    for (const Waiter* waiter : waiters) streams.push_back(waiter->stream);
    std::ranges::sort(streams);
    const auto repeated = std::ranges::unique(streams);
    streams.erase(repeated.begin(), repeated.end());
    flush_streams(streams);
    for (Waiter* waiter : waiters) {
      const StreamPointer stream = std::move(waiter->stream);
      Result<uint64_t> outcome;
      {
        const std::lock_guard lock(stream->mutex);
        outcome = stream->durable;
      }
      if (*outcome < waiter->end) {
        outcome = fail(errors::io_failed, fmt::format("the bytes of {:?} could not be synced", stream->key.path));
      }
      waiter->done.set(std::move(outcome));
    }
  }
}

void DirectoryLogStore::flush_streams(const std::vector<StreamPointer>& streams) {
  const Status armed = failpoint("log.before_sync");
  std::vector<std::pair<Stream*, uint64_t>> grown;
  {
    const std::lock_guard journal_lock(journal_mutex_);
    std::vector<uint64_t> targets;
    for (const StreamPointer& stream : streams) {
      const std::lock_guard lock(stream->mutex);
      targets.push_back(stream->file->size());
    }
    const bool is_recorded = armed && record(streams, targets);
    if (!is_recorded && streams.size() > 1) {
      for (const StreamPointer& stream : streams) stream->file->start_writing();
    }
    for (size_t i = 0; i < streams.size(); ++i) {
      Stream& stream = *streams[i];
      Status outcome = armed;
      if (outcome && !is_recorded) {
        std::set<std::filesystem::path> synced;
        outcome = sync_stream(streams[i], synced);
      }
      const std::lock_guard lock(stream.mutex);
      if (!outcome) {
        // The kernel may have dropped the pages: the next sync would succeed without them. Back to what is known to be there.
        if (!stream.file->cut(stream.durable)) stream.is_broken = true;
      } else if (targets[i] > stream.durable) {
        stream.durable = targets[i];
        grown.emplace_back(&stream, targets[i]);
      }
    }
  }
  failpoint_kill("log.after_sync");
  if (!listener_) return;
  for (const auto& [stream, size] : grown) listener_(stream->key, size);
}

// Makes what was appended durable by the journal; false where each file has to be synced instead.
bool DirectoryLogStore::record(const std::vector<StreamPointer>& streams, std::vector<uint64_t>& targets) {
  if (!has_journal_) return false;
  uint64_t bytes = 0;
  for (size_t i = 0; i < streams.size(); ++i) bytes += targets[i] - streams[i]->durable;  // which only this thread changes
  if (bytes > kRecordedBytesMax) return false;
  const auto added_streams =
      std::ranges::count_if(streams, [this](const StreamPointer& one) { return !unsynced_.contains(one); });
  if (unsynced_.size() + static_cast<size_t>(added_streams) > unsynced_max_ && !sync_recorded()) return false;
  auto added = add_records(streams, targets);
  if (added && !*added) {
    if (!sync_recorded()) return false;
    added = add_records(streams, targets);
  }
  if (!added || !*added) return false;
  if (!journal_.commit()) {
    stop_journal();
    return false;
  }
  unsynced_.insert(streams.begin(), streams.end());
  return true;
}

// False: the journal has no room for them.
Result<bool> DirectoryLogStore::add_records(const std::vector<StreamPointer>& streams, const std::vector<uint64_t>& targets) {
  for (size_t i = 0; i < streams.size(); ++i) {
    const std::lock_guard lock(streams[i]->mutex);
    const Stream& stream = *streams[i];
    // A removed one must not come back by a replay; see remove_run().
    if (stream.is_removed || targets[i] == stream.durable) continue;
    auto bytes = stream.file->read(stream.durable, targets[i] - stream.durable);
    if (!bytes || !journal_.add(stream.key, stream.durable, *bytes)) {
      journal_.drop_pending();
      return bytes ? Result<bool>(false) : fail(std::move(bytes).error());
    }
  }
  return true;
}

// The journal could not be written: what it has made durable so far goes to its own files, and it is used no more.
void DirectoryLogStore::stop_journal() {
  has_journal_ = false;
  journal_.drop_pending();
  if (sync_recorded()) static_cast<void>(journal_.discard());
}

// Syncs the files of all that only the journal has; the journal then begins anew.
Status DirectoryLogStore::sync_recorded() {
  if (keeps_journal_) {
    return fail(errors::io_failed,
                "a log could not be synced; " + journal_file(folder_).string() + " is kept until the next start", kRestartHint);
  }
  for (const StreamPointer& stream : unsynced_) stream->file->start_writing();
  std::set<std::filesystem::path> synced;
  for (const StreamPointer& stream : unsynced_) {
    CHECK_OK(sync_stream(stream, synced));
  }
  unsynced_.clear();
  if (!has_journal_) return {};
  if (Status restarted = journal_.restart(); !restarted) {
    has_journal_ = false;
    return journal_.discard();
  }
  return {};
}

Status DirectoryLogStore::sync_stream(const StreamPointer& stream, std::set<std::filesystem::path>& synced) {
  Status outcome = sync_file(*stream, synced);
  if (outcome || !unsynced_.contains(stream)) return outcome;
  // The kernel may have dropped the pages, and reports that once: the next sync would succeed without what was acknowledged.
  if (!keeps_journal_) {
    log_error("log journal kept until the next start file={:?} error={:?}", journal_file(folder_).string(),
              outcome.error().to_string());
  }
  keeps_journal_ = true;
  has_journal_ = false;
  const std::lock_guard lock(stream->mutex);
  stream->is_broken = true;
  return outcome;
}

Status DirectoryLogStore::sync_file(Stream& stream, std::set<std::filesystem::path>& synced) {
  {
    const std::lock_guard lock(stream.mutex);
    if (stream.is_broken) return fail(errors::io_failed, file_of(stream.key).string() + " failed to sync", kRestartHint);
  }
  // Without the stream's lock: appends go on meanwhile, and count for the next flush.
  CHECK_OK(stream.file->sync());
  return sync_names(stream, synced);
}

Status DirectoryLogStore::sync_names(Stream& stream, std::set<std::filesystem::path>& synced) {
  {
    const std::lock_guard lock(stream.mutex);
    if (!stream.is_name_new || stream.is_removed) return {};
  }
  const std::filesystem::path run_folder = log_run_folder(folder_, stream.key.run);
  for (const std::filesystem::path& path : {run_folder, run_folder.parent_path(), folder_}) {
    if (synced.insert(path).second) CHECK_OK(sync_directory(path));
  }
  const std::lock_guard lock(stream.mutex);
  stream.is_name_new = false;
  return {};
}

Result<uint64_t> DirectoryLogStore::size(const LogKey& key) {
  const StreamPointer stream = acquire(key);
  const std::lock_guard lock(stream->mutex);
  CHECK_OK(open_stream(*stream));
  return stream->durable;
}

Result<std::string> DirectoryLogStore::read(const LogKey& key, uint64_t offset, uint64_t size_max) {
  const StreamPointer stream = acquire(key);
  uint64_t durable = 0;
  {
    const std::lock_guard lock(stream->mutex);
    CHECK_OK(open_stream(*stream));
    durable = stream->durable;
  }
  if (offset >= durable) return std::string();
  return stream->file->read(offset, std::min(size_max, durable - offset));
}

Result<std::vector<LogInfo>> DirectoryLogStore::list(const RunKey& run) {
  std::vector<LogKey> keys;
  bool is_known = false;
  {
    const std::lock_guard lock(lists_mutex_);
    const RunLists::List* const list = lists_.find_or_begin(run);
    is_known = list != nullptr && list->is_whole;
    if (is_known) keys.assign(list->keys.begin(), list->keys.end());
  }
  if (!is_known) {
    Result<std::vector<LogKey>> found = look_through(run);
    const std::lock_guard lock(lists_mutex_);
    if (!found) {
      lists_.forget(run);
      return fail(std::move(found).error());
    }
    lists_.complete(run, *found);
    keys = std::move(*found);
  }
  std::vector<LogInfo> infos;
  for (const LogKey& key : keys) {
    TRY(const uint64_t durable, size(key));
    infos.push_back({key, durable});
  }
  std::ranges::sort(infos, {}, [](const LogInfo& info) { return std::tie(info.key.path, info.key.attempt, info.key.rank); });
  return infos;
}

Result<std::vector<LogKey>> DirectoryLogStore::look_through(const RunKey& run) const {
  const std::filesystem::path folder = log_run_folder(folder_, run);
  DIR* const directory = ::opendir(folder.c_str());
  if (directory == nullptr) {
    if (errno == ENOENT) return std::vector<LogKey>();
    return fail(errno_error(errno, "cannot list " + folder.string()));
  }
  std::vector<std::filesystem::path> files;
  while (const dirent* entry = ::readdir(directory)) {
    if (std::string_view(entry->d_name).ends_with(".log")) files.push_back(folder / entry->d_name);
  }
  ::closedir(directory);
  std::vector<LogKey> keys;
  for (const std::filesystem::path& file : files) {
    TRY(const auto found, LogFile::open(file));
    if (found && found->key().run == run) keys.push_back(found->key());
  }
  return keys;
}

Status DirectoryLogStore::remove_run(const RunKey& run) {
  const std::filesystem::path run_folder = log_run_folder(folder_, run);
  // With the table's lock to the end: nobody may open a file that is about to go.
  const std::lock_guard lock(mutex_);
  {
    const std::lock_guard journal_lock(journal_mutex_);
    // Once more below, where this did not do it all: here a failure leaves the run's streams as they are.
    if (!journal_.is_empty()) CHECK_OK(sync_recorded());
  }
  {
    const std::lock_guard lists_lock(lists_mutex_);
    lists_.forget(run);
  }
  for (const StreamPointer& stream : streams_.take_run(run)) {
    const std::lock_guard stream_lock(stream->mutex);
    stream->is_removed = true;
  }
  {
    // No record of it may be replayed after this.
    const std::lock_guard journal_lock(journal_mutex_);
    if (!journal_.is_empty()) CHECK_OK(sync_recorded());
  }
  CHECK_OK(remove_tree(run_folder));
  std::error_code ignored;
  if (!std::filesystem::is_directory(run_folder.parent_path(), ignored)) return {};
  return sync_directory(run_folder.parent_path());
}

// The journal is used again from its front: behind it lie older records.
Status DirectoryLogStore::scrub() {
  const std::lock_guard lock(journal_mutex_);
  if (!journal_.is_empty()) CHECK_OK(sync_recorded());
  CHECK_OK(LogJournal::remove_aside(journal_file(folder_)));
  return journal_.discard();
}

void DirectoryLogStore::close() {
  {
    const std::lock_guard lock(queue_mutex_);
    if (std::exchange(closed_, true)) return;
    wake_.notify_all();
  }
  flusher_.join();
  const std::lock_guard journal_lock(journal_mutex_);
  if (sync_recorded()) marker_.close();
}

}  // namespace

Result<std::unique_ptr<LogStore>> open_directory_log_store(const std::filesystem::path& folder, LogStoreOptions options) {
  CHECK_OK(create_durable_folder(folder));
  TRY(CrashMarker marker, CrashMarker::open(folder));
  if (marker.was_unclean()) CHECK_OK(replay_journal(folder));
  return std::make_unique<DirectoryLogStore>(folder, std::move(marker), options);
}

}  // namespace werkbank::content
