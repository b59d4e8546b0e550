#include "mount/piece_reader.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "data/folder/folder_data_store.hh"

using namespace werkbank;
using namespace werkbank::mount;

namespace {

namespace fs = std::filesystem;
using data::kCachePieceBytes;

std::string content_of(uint64_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  uint32_t state = 7;
  for (char& c : bytes) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

// A storage whose answers can fail or wait; shared by all connections.
struct Remote {
  std::map<std::string, std::string> files;
  std::mutex mutex;
  std::condition_variable changed;
  int failures = 0;  // so many requests get none
  const ErrorCode* failure = &errors::storage_unavailable;
  bool silent = false;
  size_t requests = 0;
  uint64_t bytes = 0, largest = 0;

  void speak() {
    const std::lock_guard lock(mutex);
    silent = false;
    changed.notify_all();
  }
};

class RemoteStore final : public data::DataStore {
 public:
  explicit RemoteStore(Remote& remote) : remote_(remote) {}
  Status check(bool) override { return {}; }
  Result<data::DataPage> list(const std::string&, const std::string&) override { return data::DataPage{}; }
  Result<data::DataEntry> find(const std::string& path) override { return data::DataEntry{path, 0, "e", 1}; }
  Status read(const std::string& path, const std::string& etag, uint64_t offset, const data::DataSink& sink) override {
    return read_range(path, etag, offset, UINT64_MAX, sink);
  }
  Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size,
                    const data::DataSink& sink) override {
    std::unique_lock lock(remote_.mutex);
    ++remote_.requests;
    remote_.largest = std::max(remote_.largest, size);
    if (remote_.failures > 0) {
      --remote_.failures;
      return fail(*remote_.failure, "the storage does not want to");
    }
    remote_.changed.wait(lock, [this] { return !remote_.silent; });
    if (etag != "e") return fail(errors::data_changed, path + " changed");
    const std::string part = remote_.files.at(path).substr(offset, size);
    remote_.bytes += part.size();
    lock.unlock();
    constexpr size_t kUneven = 300'007;
    for (size_t at = 0; at < part.size(); at += kUneven) CHECK_OK(sink(std::string_view(part).substr(at, kUneven)));
    return {};
  }
  Status write(const std::string&, const data::DataSource&, bool, const data::OnBytes&) override { return {}; }
  Status remove(const std::string&) override { return {}; }

 private:
  Remote& remote_;
};

struct Bench {
  Bench() {
    options.pause = std::chrono::milliseconds(1);
    options.log = [this](const std::string& line) {
      const std::lock_guard lock(lines_mutex);
      lines.push_back(line);
    };
  }
  ~Bench() {
    remote.speak();
    reader.reset();
    cache.reset();
    (void)remove_tree(folder);
  }

  void add(const std::string& name, const std::string& content, const std::string& etag = "e") {
    remote.files[name] = content;
    files.push_back({name, name, content.size(), etag, 0, 0});
  }

  void begin(bool with_cache = true, const fs::path& local = {}) {
    if (with_cache) {
      data::CacheOptions chosen{.folder = folder / "cache", .size_bytes_max = 1ULL << 40, .free_bytes_min = 0};
      cache = std::make_unique<data::FileCache>(chosen);
    }
    const auto open = [this]() -> Result<std::unique_ptr<data::DataStore>> { return std::make_unique<RemoteStore>(remote); };
    reader = std::make_unique<PieceReader>(files, std::vector<PieceSource>{{"store", local, open}}, cache.get(), options);
  }

  Result<std::string> read(size_t file, uint64_t offset, size_t size) {
    const Waiting waiting;
    TRY(const std::vector<ReadPart> parts, reader->read(file, offset, size, waiting));
    std::string text;
    for (const ReadPart& part : parts) {
      std::string piece(part.size_bytes, '\0');
      if (part.bytes != nullptr) piece.assign(part.bytes, part.size_bytes);
      if (part.fd >= 0 &&
          ::pread(part.fd, piece.data(), piece.size(), static_cast<off_t>(part.fd_offset)) != static_cast<ssize_t>(piece.size()))
        return fail(errors::io_failed, "cut short");
      text += piece;
    }
    return text;
  }

  // As the kernel does it.
  std::string read_through(size_t file) {
    std::string text;
    constexpr size_t kStep = 128 * 1024;
    while (true) {
      const Result<std::string> part = read(file, text.size(), kStep);
      REQUIRE_MESSAGE(part, part.error().to_string());
      if (part->empty()) return text;
      text += *part;
    }
  }

  size_t requests() {
    const std::lock_guard lock(remote.mutex);
    return remote.requests;
  }
  size_t line_count() {
    const std::lock_guard lock(lines_mutex);
    return lines.size();
  }

  fs::path folder = fs::temp_directory_path() / ("wb-reader-" + random_hex(8));
  Remote remote;
  std::vector<MountedFile> files;
  ReaderOptions options;
  std::mutex lines_mutex;
  std::vector<std::string> lines;
  std::unique_ptr<data::FileCache> cache;
  std::unique_ptr<PieceReader> reader;
};

}  // namespace

TEST_CASE("what is read is what is there, from front to back, at random, and beyond the end") {
  for (const bool with_cache : {true, false}) {
    CAPTURE(with_cache);
    Bench bench;
    const std::string content = content_of(21 * kCachePieceBytes + 12345);
    bench.add("big", content);
    bench.add("empty", "");
    bench.add("small", "hello");
    bench.begin(with_cache);
    CHECK(bench.read_through(0) == content);
    CHECK(bench.remote.bytes == content.size());
    CHECK(bench.remote.largest >= 2 * kCachePieceBytes);  // it asked ahead, in growing steps
    CHECK(bench.read_through(1).empty());
    CHECK(bench.read_through(2) == "hello");
    CHECK(bench.read(0, content.size(), 10).value().empty());
    CHECK(bench.read(0, content.size() + 5, 10).value().empty());
    for (const uint64_t offset : {uint64_t{0}, kCachePieceBytes - 1, 9 * kCachePieceBytes + 77, content.size() - 3})
      CHECK(bench.read(0, offset, 2 * kCachePieceBytes).value() == content.substr(offset, 2 * kCachePieceBytes));
    CHECK(bench.line_count() == 0);
  }
}

TEST_CASE("a part in the middle fetches that part only") {
  Bench bench;
  const std::string content = content_of(40 * kCachePieceBytes);
  bench.add("big", content);
  bench.begin();
  CHECK(bench.read(0, 20 * kCachePieceBytes + 5, 100).value() == content.substr(20 * kCachePieceBytes + 5, 100));
  CHECK(bench.remote.bytes == kCachePieceBytes);
  CHECK(bench.read(0, 33 * kCachePieceBytes, 100).value() == content.substr(33 * kCachePieceBytes, 100));
  CHECK(bench.remote.bytes == 2 * kCachePieceBytes);
}

TEST_CASE("the second mount reads what the first one has kept") {
  Bench bench;
  const std::string content = content_of(6 * kCachePieceBytes + 1);
  bench.add("big", content);
  bench.add("small", "hello");
  bench.begin();
  CHECK(bench.read_through(0) == content);
  CHECK(bench.read_through(1) == "hello");
  bench.reader.reset();
  bench.remote.bytes = 0;
  bench.begin();
  CHECK(bench.read_through(0) == content);
  CHECK(bench.read_through(1) == "hello");
  CHECK(bench.remote.bytes == 0);
}

TEST_CASE("a storage that fails now and then is asked again; one that goes on failing is an error and one line") {
  Bench bench;
  bench.add("f", "hello");
  bench.options.attempts = 3;
  bench.begin();
  bench.remote.failures = 2;
  CHECK(bench.read_through(0) == "hello");
  CHECK(bench.line_count() == 0);

  Bench broken;
  broken.add("f", "hello");
  broken.options.attempts = 3;
  broken.begin();
  broken.remote.failures = 1000;
  CHECK(broken.read(0, 0, 5).error().code == &errors::storage_unavailable);
  CHECK(broken.read(0, 0, 5).error().code == &errors::storage_unavailable);
  CHECK(broken.line_count() == 1);
  CHECK(broken.lines[0].find("f cannot be read (EIO): storage_unavailable") == 0);
  // Nothing sticks: it is asked anew.
  {
    const std::lock_guard lock(broken.remote.mutex);
    broken.remote.failures = 0;
  }
  CHECK(broken.read_through(0) == "hello");
}

TEST_CASE("what a storage refuses is asked once") {
  for (const ErrorCode* const code : {&errors::storage_denied, &errors::not_found}) {
    Bench bench;
    bench.add("f", "hello");
    bench.begin();
    bench.remote.failures = 1;
    bench.remote.failure = code;
    CHECK(bench.read(0, 0, 5).error().code == code);
    CHECK(bench.remote.requests == 1);
    CHECK(bench.line_count() == 1);
  }
}

TEST_CASE("another etag, or a file that has become shorter, is an error") {
  Bench bench;
  bench.add("changed", "hello", "old");
  bench.add("shorter", "hello");
  bench.remote.files["shorter"] = "hell";
  bench.begin();
  CHECK(bench.read(0, 0, 5).error().code == &errors::data_changed);
  CHECK(bench.read(1, 0, 5).error().code == &errors::data_changed);
  CHECK(bench.line_count() == 2);
}

TEST_CASE("a silent storage does not hold a read longer than its patience") {
  Bench bench;
  bench.add("f", "hello");
  bench.options.patience = std::chrono::milliseconds(30);
  bench.remote.silent = true;
  bench.begin();
  CHECK(bench.read(0, 0, 5).error().code == &errors::storage_unavailable);
  CHECK(bench.line_count() == 1);
  bench.remote.speak();
}

TEST_CASE("a read that is given up ends at once, and so do all when the mount ends") {
  Bench bench;
  bench.add("f", "hello");
  bench.add("g", "hello");
  bench.remote.silent = true;
  bench.begin();
  Waiting waiting;
  std::optional<Error> given_up, stopped;
  std::thread one([&] { given_up = bench.reader->read(0, 0, 5, waiting).error(); });
  std::thread other([&] {
    const Waiting patient;
    stopped = bench.reader->read(1, 0, 5, patient).error();
  });
  waiting.give_up();
  bench.reader->wake();
  one.join();
  CHECK(given_up->code == &errors::unavailable);
  bench.reader->stop();
  other.join();
  CHECK(stopped->code == &errors::unavailable);
  bench.remote.speak();
}

TEST_CASE("several readers of one file fetch it once") {
  Bench bench;
  const std::string content = content_of(12 * kCachePieceBytes + 5);
  bench.add("big", content);
  bench.begin();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (uint64_t at = 0; at < content.size(); at += 128 * 1024) {
        const Result<std::string> part = bench.read(0, at, 128 * 1024);
        if (!part || *part != content.substr(at, 128 * 1024)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.remote.bytes == content.size());
}

TEST_CASE("files of a folder here are read where they are, and only as they were listed") {
  Bench bench;
  const fs::path local = bench.folder / "local";
  REQUIRE(make_directories(local));
  const std::string content = content_of(3 * kCachePieceBytes);
  std::ofstream(local / "f") << content;
  std::ofstream(local / "g") << "before";
  const auto store = data::make_folder_data_store(local);
  for (const char* const name : {"f", "g", "gone"}) {
    const auto entry = store->find(name);
    bench.files.push_back({name, name, entry ? entry->size_bytes : 5, entry ? entry->etag : "e", 0, 0});
  }
  std::ofstream(local / "g") << "behind";
  bench.begin(true, local);
  CHECK(bench.read_through(0) == content);
  CHECK(bench.requests() == 0);
  CHECK(bench.read(1, 0, 6).error().code == &errors::data_changed);
  CHECK(bench.read(2, 0, 5).error().code == &errors::not_found);
  CHECK(bench.line_count() == 2);
}
