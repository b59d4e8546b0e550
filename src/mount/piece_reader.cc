#include "mount/piece_reader.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "data/folder/folder_data_store.hh"
#include "data/shown_path.hh"
#include "mount/piece_memory.hh"

namespace werkbank::mount {
namespace {

using data::kCachePieceBytes;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kNearBytes = 2 * kCachePieceBytes;  // the kernel's own reading ahead comes out of order
constexpr uint64_t kJobPiecesMax = 8;
constexpr size_t kWriters = 2;
constexpr size_t kWritesMax = 24;
constexpr std::chrono::seconds kSayAgain{30};

// A piece that is on its way, and how it ended for who waits.
struct Flight {
  bool done = false;
  bool demanded = false;  // somebody waits: worth repeating, worth a line
  std::optional<Error> failure;
};

// Pieces of one file, one after another, by one request.
struct Job {
  size_t file = 0;
  uint64_t first = 0;
  uint64_t count = 0;
};

struct OpenFile {
  std::shared_ptr<data::CachedFile> cached;
  Fd local;
  std::mutex mutex;             // of what follows
  uint64_t expected = 0;        // where the next read is if somebody reads from front to back
  uint64_t ahead = 0;           // how many pieces are asked for ahead; grows
  uint64_t asked_until = 0;     // the first piece that nobody has asked for
  uint64_t piece = UINT64_MAX;  // of the last read
};

}  // namespace

struct PieceReader::Impl {
  Impl(const std::vector<MountedFile>& the_files, std::vector<PieceSource> the_sources, data::FileCache* the_cache,
       ReaderOptions the_options)
      : files(the_files),
        sources(std::move(the_sources)),
        cache(the_cache),
        options(std::move(the_options)),
        recent(options.memory_bytes_max),
        pool(options.memory_bytes_max / kCachePieceBytes) {
    for (size_t i = 0; i < options.connections; ++i) threads.emplace_back([this] { work(); });
    for (size_t i = 0; cache != nullptr && i < kWriters; ++i) threads.emplace_back([this] { write(); });
  }

  ~Impl() {
    stop();
    for (std::thread& thread : threads) thread.join();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    job_came.notify_all();
    piece_came.notify_all();
    stop_came.notify_all();
    write_came.notify_all();
    write_ended.notify_all();
  }

  uint64_t piece_count(size_t file) const { return (files[file].size_bytes + kCachePieceBytes - 1) / kCachePieceBytes; }
  uint64_t piece_size(size_t file, uint64_t piece) const {
    return std::min(kCachePieceBytes, files[file].size_bytes - piece * kCachePieceBytes);
  }

  // -- files that are open

  Result<std::shared_ptr<OpenFile>> open(size_t file) {
    const std::lock_guard lock(open_mutex);
    if (const auto found = open_files.find(file); found != open_files.end()) {
      open_order.splice(open_order.begin(), open_order, found->second.second);
      return found->second.first;
    }
    auto opened = std::make_shared<OpenFile>();
    const PieceSource& source = sources[files[file].source];
    if (!source.local_folder.empty()) {
      TRY(opened->local, open_local(file));
    } else if (cache != nullptr) {
      opened->cached = cache->open({source.identity, files[file].path, files[file].etag, files[file].size_bytes});
    }
    if (open_files.size() >= options.open_files_max) {
      open_files.erase(open_order.back());
      open_order.pop_back();
    }
    open_order.push_front(file);
    open_files.emplace(file, std::pair(opened, open_order.begin()));
    return opened;
  }

  Result<Fd> open_local(size_t file) const {
    const MountedFile& wanted = files[file];
    TRY(const RelativePath path, RelativePath::parse(wanted.path));
    TRY(Fd fd, open_file(path.below(sources[wanted.source].local_folder), O_RDONLY));
    CHECK_OK(check_local(file, fd));
    return fd;
  }

  Status check_local(size_t file, const Fd& fd) const {
    const MountedFile& wanted = files[file];
    struct stat facts{};
    const bool same = ::fstat(fd.get(), &facts) == 0 && static_cast<uint64_t>(facts.st_size) == wanted.size_bytes &&
                      (wanted.etag.empty() || data::folder_etag(facts) == wanted.etag);
    if (same) return {};
    return fail(errors::data_changed, fmt::format("{} is not the file any more that was mounted", wanted.path),
                "Mount it again to read what is there now; a new version of a dataset holds the new content.");
  }

  // -- what is asked for

  // With `mutex` held. True where a piece is neither here nor on its way.
  bool is_missing(OpenFile& opened, const PieceKey& key) {
    return !flights.contains(key) && !recent.find(key) && !(opened.cached && opened.cached->has(key.second));
  }

  // With `mutex` held.
  void ask_ahead(OpenFile& opened, size_t file, uint64_t begin, uint64_t end) {
    const uint64_t job_pieces = std::clamp<uint64_t>((end - begin) / 4, 1, kJobPiecesMax);
    for (uint64_t piece = begin; piece < end;) {
      if (!is_missing(opened, {file, piece})) {
        ++piece;
        continue;
      }
      Job job{file, piece, 0};
      while (piece < end && job.count < job_pieces && is_missing(opened, {file, piece})) {
        flights[{file, piece}] = std::make_shared<Flight>();
        ++piece;
        ++job.count;
      }
      jobs.push_back(job);
      job_came.notify_one();
    }
  }

  // Notes where a file is read; the pieces to ask for now.
  std::pair<uint64_t, uint64_t> follow(OpenFile& opened, size_t file, uint64_t offset, size_t size) {
    const std::lock_guard lock(opened.mutex);
    const uint64_t piece = offset / kCachePieceBytes;
    const uint64_t distance = offset > opened.expected ? offset - opened.expected : opened.expected - offset;
    const bool in_order = offset == 0 || distance <= kNearBytes;
    const bool moved = piece != opened.piece;
    opened.expected = in_order ? std::max(opened.expected * (offset == 0 ? 0 : 1), offset + size) : offset + size;
    opened.piece = piece;
    if (!in_order || offset == 0) {
      opened.ahead = offset == 0 ? 1 : 0;
      opened.asked_until = piece + 1;
      if (!in_order) return {0, 0};
    }
    if (!moved && offset != 0) return {0, 0};
    const uint64_t begin = std::max(opened.asked_until, piece + 1);
    if (begin - piece > std::max<uint64_t>(opened.ahead / 2, 1)) return {0, 0};
    opened.ahead = std::min<uint64_t>(std::max<uint64_t>(opened.ahead, 2) * 2, options.ahead_bytes_max / kCachePieceBytes);
    opened.asked_until = std::min(piece + 1 + opened.ahead, piece_count(file));
    return {begin, std::max(begin, opened.asked_until)};
  }

  Result<ReadPart> piece(OpenFile& opened, size_t file, uint64_t number, Clock::time_point deadline, const Waiting& waiting) {
    const PieceKey key{file, number};
    std::unique_lock lock(mutex);
    std::shared_ptr<Flight> flight;
    while (true) {
      if (auto kept = recent.find(key)) {
        const std::string_view bytes = kept->bytes();
        return ReadPart{.keeper = std::move(kept), .bytes = bytes.data(), .size_bytes = bytes.size()};
      }
      if (opened.cached && opened.cached->has(number)) {
        return ReadPart{.keeper = opened.cached,
                        .fd = opened.cached->fd(),
                        .fd_offset = number * kCachePieceBytes,
                        .size_bytes = piece_size(file, number)};
      }
      if (flight && flight->failure) return fail(*flight->failure);
      if (stopping || waiting.is_given_up()) return fail(errors::unavailable, "the reading was given up");
      if (!flight || flight->done) flight = demand(key);
      if (piece_came.wait_until(lock, deadline) == std::cv_status::timeout) {
        lock.unlock();
        return fail(
            errors::storage_unavailable,
            fmt::format("no answer within {} s", std::chrono::duration_cast<std::chrono::seconds>(options.patience).count()));
      }
    }
  }

  // With `mutex` held: on its way, in front of what is asked for ahead.
  std::shared_ptr<Flight> demand(const PieceKey& key) {
    std::shared_ptr<Flight>& flight = flights[key];
    if (!flight) {
      flight = std::make_shared<Flight>();
      jobs.push_front({key.first, key.second, 1});
      job_came.notify_one();
    } else if (!flight->demanded) {
      const auto waits = std::ranges::find_if(jobs, [&key](const Job& job) {
        return job.file == key.first && job.first <= key.second && key.second < job.first + job.count;
      });
      if (waits != jobs.end()) std::rotate(jobs.begin(), waits, waits + 1);
    }
    flight->demanded = true;
    return flight;
  }

  // -- the connections

  void work() {
    std::map<size_t, std::unique_ptr<data::DataStore>> stores;
    std::unique_lock lock(mutex);
    while (true) {
      job_came.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (stopping) return;
      const Job job = jobs.front();
      jobs.pop_front();
      lock.unlock();
      carry_out(job, stores);
      lock.lock();
    }
  }

  void carry_out(const Job& job, std::map<size_t, std::unique_ptr<data::DataStore>>& stores) {
    const MountedFile& file = files[job.file];
    uint64_t next = job.first;
    Status outcome;
    bool is_tried = false;
    for (int attempt = 1;; ++attempt) {
      const uint64_t before = next;
      outcome = fetch(job, next, stores[file.source]);
      is_tried = !outcome && outcome.error().kind() != ErrorKind::kUnavailable;
      if (outcome || is_tried) break;
      stores[file.source].reset();
      if (next > before) attempt = 1;
      is_tried = attempt >= options.attempts;
      if (is_tried || !is_demanded(job) || !pause(options.pause * (1 << (attempt - 1)))) break;
    }
    if (!outcome) give_up(job, next, outcome.error(), is_tried);
  }

  // From piece `next` on, which moves.
  Status fetch(const Job& job, uint64_t& next, std::unique_ptr<data::DataStore>& store) {
    const MountedFile& file = files[job.file];
    if (!store) {
      TRY(store, sources[file.source].open());
    }
    const uint64_t offset = next * kCachePieceBytes;
    const uint64_t end = std::min((job.first + job.count) * kCachePieceBytes, file.size_bytes);
    std::shared_ptr<PiecePool::Piece> piece;
    const auto take = [&](std::string_view more) -> Status {
      while (!more.empty() && next < job.first + job.count) {
        const uint64_t whole = piece_size(job.file, next);
        if (!piece) piece = pool.take(whole);
        const size_t part = std::min<uint64_t>(more.size(), whole - piece->size());
        piece->append(more.substr(0, part));
        more.remove_prefix(part);
        if (piece->size() < whole) break;
        land({job.file, next++}, std::exchange(piece, nullptr));
      }
      return is_stopping() ? Status(fail(errors::internal, "the mount ends")) : Status();
    };
    CHECK_OK(store->read_range(file.path, file.etag, offset, end - offset, take));
    if (next == job.first + job.count) return {};
    return fail(errors::data_changed, fmt::format("{} is shorter than it was listed", data::shown_path(file.path)));
  }

  void land(const PieceKey& key, const std::shared_ptr<const PiecePool::Piece>& piece) {
    {
      const std::lock_guard lock(mutex);
      recent.add(key, piece);
      if (const auto found = flights.find(key); found != flights.end()) {
        found->second->done = true;
        flights.erase(found);
      }
    }
    piece_came.notify_all();
    if (cache == nullptr) return;
    std::unique_lock lock(mutex);
    // A disk that is slower than the storage slows the fetching down, not the memory up.
    write_ended.wait(lock, [this] { return stopping || writes.size() < kWritesMax; });
    writes.emplace_back(key, piece);
    write_came.notify_one();
  }

  // -- the disk cache

  void write() {
    std::unique_lock lock(mutex);
    while (true) {
      write_came.wait(lock, [this] { return stopping || !writes.empty(); });
      if (writes.empty()) return;
      const auto [key, piece] = writes.front();
      writes.pop_front();
      ++writing;
      lock.unlock();
      const Result<std::shared_ptr<OpenFile>> opened = open(key.first);
      if (opened && (*opened)->cached) cache->put(*(*opened)->cached, key.second, piece->bytes());
      lock.lock();
      --writing;
      write_ended.notify_all();
    }
  }

  void finish_writes(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex);
    write_ended.wait_for(lock, patience, [this] { return writes.empty() && writing == 0; });
  }

  // What was asked for ahead is tried once: who waits for it by now asks for it himself.
  void give_up(const Job& job, uint64_t next, const Error& error, bool is_tried) {
    {
      const std::lock_guard lock(mutex);
      for (uint64_t piece = next; piece < job.first + job.count; ++piece) {
        const auto found = flights.find({job.file, piece});
        if (found == flights.end()) continue;
        if (is_tried) found->second->failure = error;
        found->second->done = true;
        flights.erase(found);
      }
    }
    piece_came.notify_all();
  }

  bool is_demanded(const Job& job) {
    const std::lock_guard lock(mutex);
    for (uint64_t piece = job.first; piece < job.first + job.count; ++piece) {
      const auto found = flights.find({job.file, piece});
      if (found != flights.end() && found->second->demanded) return true;
    }
    return false;
  }

  bool pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex);
    return !stop_came.wait_for(lock, length, [this] { return stopping; });
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  // One line for each file in half a minute.
  void say(size_t file, const Error& error) {
    {
      const std::lock_guard lock(mutex);
      const auto now = Clock::now();
      const auto [found, is_first] = said.try_emplace(file, now);
      if (!is_first && now - found->second < kSayAgain) return;
      found->second = now;
    }
    options.log(fmt::format("{} cannot be read (EIO): {}: {}", files[file].name, error.code->id, error.to_string()));
  }

  const std::vector<MountedFile>& files;
  const std::vector<PieceSource> sources;
  data::FileCache* const cache;
  const ReaderOptions options;

  std::mutex open_mutex;
  std::list<size_t> open_order;  // the one used last in front
  std::map<size_t, std::pair<std::shared_ptr<OpenFile>, std::list<size_t>::iterator>> open_files;

  std::mutex mutex;  // of what follows
  std::condition_variable job_came, piece_came, stop_came, write_came, write_ended;
  bool stopping = false;
  std::deque<Job> jobs;
  std::map<PieceKey, std::shared_ptr<Flight>> flights;
  RecentPieces recent;
  PiecePool pool;  // thread-safe
  std::map<size_t, Clock::time_point> said;
  std::deque<std::pair<PieceKey, std::shared_ptr<const PiecePool::Piece>>> writes;
  size_t writing = 0;

  std::vector<std::thread> threads;
};

PieceReader::PieceReader(const std::vector<MountedFile>& files, std::vector<PieceSource> sources, data::FileCache* cache,
                         ReaderOptions options)
    : impl_(std::make_unique<Impl>(files, std::move(sources), cache, std::move(options))) {}

PieceReader::~PieceReader() = default;

void PieceReader::wake() {
  // Whoever is between its look and its sleep holds the lock.
  { const std::lock_guard lock(impl_->mutex); }
  impl_->piece_came.notify_all();
}

void PieceReader::stop() { impl_->stop(); }

void PieceReader::finish_writes(std::chrono::milliseconds patience) { impl_->finish_writes(patience); }

bool PieceReader::is_local(size_t source) const { return !impl_->sources[source].local_folder.empty(); }

Result<std::optional<ReadPart>> PieceReader::local_file(size_t file) {
  Impl& impl = *impl_;
  if (!is_local(impl.files[file].source)) return std::nullopt;
  const Result<std::shared_ptr<OpenFile>> opened = impl.open(file);
  const Status same = opened ? impl.check_local(file, (*opened)->local) : Status(fail(opened.error()));
  if (!same) {
    impl.say(file, same.error());
    return fail(same.error());
  }
  const ReadPart part{.keeper = *opened, .fd = (*opened)->local.get(), .size_bytes = impl.files[file].size_bytes};
  return std::optional<ReadPart>(part);
}

Result<std::vector<ReadPart>> PieceReader::read(size_t file, uint64_t offset, size_t size, const Waiting& waiting) {
  Impl& impl = *impl_;
  const MountedFile& wanted = impl.files[file];
  if (offset >= wanted.size_bytes) return std::vector<ReadPart>();
  size = static_cast<size_t>(std::min<uint64_t>(size, wanted.size_bytes - offset));
  const auto failed = [&](const Error& error) {
    if (!waiting.is_given_up()) impl.say(file, error);
    return fail(error);
  };
  Result<std::shared_ptr<OpenFile>> opened = impl.open(file);
  if (!opened) return failed(opened.error());
  if ((*opened)->local) {
    if (const Status same = impl.check_local(file, (*opened)->local); !same) return failed(same.error());
    return std::vector<ReadPart>{{.keeper = *opened, .fd = (*opened)->local.get(), .fd_offset = offset, .size_bytes = size}};
  }
  const auto deadline = Clock::now() + impl.options.patience;
  const auto [ahead, ahead_end] = impl.follow(**opened, file, offset, size);
  std::vector<ReadPart> parts;
  for (uint64_t at = offset; at < offset + size;) {
    const uint64_t number = at / kCachePieceBytes;
    if (at == offset && ahead < ahead_end) {
      const std::lock_guard lock(impl.mutex);
      if (impl.is_missing(**opened, {file, number})) impl.demand({file, number});
      impl.ask_ahead(**opened, file, ahead, ahead_end);
    }
    Result<ReadPart> part = impl.piece(**opened, file, number, deadline, waiting);
    if (!part) return failed(part.error());
    const uint64_t skipped = at - number * kCachePieceBytes;
    part->size_bytes = static_cast<size_t>(std::min<uint64_t>(part->size_bytes - skipped, offset + size - at));
    if (part->bytes != nullptr) part->bytes += skipped;
    part->fd_offset += skipped;
    at += part->size_bytes;
    parts.push_back(std::move(*part));
  }
  return parts;
}

}  // namespace werkbank::mount
