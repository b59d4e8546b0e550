#include "data/cache/file_cache.hh"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "data/cache/cache_folder.hh"

using namespace werkbank;
using namespace werkbank::data;

namespace {

namespace fs = std::filesystem;

std::string content_of(uint64_t size_bytes, unsigned seed = 1) {
  std::string bytes(size_bytes, '\0');
  for (char& c : bytes) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return bytes;
}

// One file; breaks off after so many bytes, so many times.
class OneFile final : public DataStore {
 public:
  explicit OneFile(std::string content) : content_(std::move(content)) {}
  Status check(bool) override { return {}; }
  Result<DataPage> list(const std::string&, const std::string&) override { return DataPage{}; }
  Result<DataEntry> find(const std::string& path) override { return DataEntry{path, content_.size(), "e", 1}; }
  Status read(const std::string& path, const std::string& etag, uint64_t offset, const DataSink& sink) override {
    if (etag != "e") return fail(errors::data_changed, path + " changed");
    starts.push_back(offset);
    const std::string rest = content_.substr(offset);
    if (breaks == 0) return rest.empty() ? Status() : sink(rest);
    --breaks;
    CHECK_OK(sink(rest.substr(0, breaks_after)));
    return fail(errors::storage_unavailable, "the connection broke");
  }
  Status write(const std::string&, const DataSource&, bool, const OnBytes&) override { return {}; }
  Status remove(const std::string&) override { return {}; }
  std::vector<uint64_t> starts;
  int breaks = 0;
  size_t breaks_after = 0;

 private:
  const std::string content_;
};

struct Bench {
  ~Bench() { (void)remove_tree(folder); }
  std::unique_ptr<FileCache> cache(uint64_t limit = 1ULL << 40) {
    return std::make_unique<FileCache>(
        CacheOptions{.folder = folder, .size_bytes_max = limit, .free_bytes_min = 0, .log = [this](const std::string& line) {
                       lines.push_back(line);
                     }});
  }
  fs::path folder = fs::temp_directory_path() / ("wb-cache-" + random_hex(8));
  std::vector<std::string> lines;
};

CachedContent named(const std::string& path, uint64_t size_bytes) { return {"store", path, "e", size_bytes}; }

std::string text_of(const fs::path& file) {
  const Result<std::string> text = read_file(file);
  REQUIRE_MESSAGE(text, text.error().to_string());
  return *text;
}

void put_all(FileCache& cache, CachedFile& file, const std::string& content) {
  for (uint64_t at = 0, piece = 0; at < content.size(); at += kCachePieceBytes, ++piece)
    CHECK(cache.put(file, piece, std::string_view(content).substr(at, kCachePieceBytes)));
}

size_t files_in(const fs::path& folder) {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a file is fetched once, whole, under a path that stays") {
  Bench bench;
  for (const uint64_t size : {uint64_t{0}, uint64_t{5}, kCachePieceBytes, 3 * kCachePieceBytes, 2 * kCachePieceBytes + 17}) {
    CAPTURE(size);
    const std::string content = content_of(size);
    OneFile store(content);
    const CachedContent wanted = named(fmt::format("f{}", size), size);
    const Result<fs::path> path = bench.cache()->fetch(wanted, store);
    REQUIRE_MESSAGE(path, path.error().to_string());
    CHECK(text_of(*path) == content);
    OneFile other("not asked");
    CHECK(*bench.cache()->fetch(wanted, other) == *path);
    CHECK(other.starts.empty());
  }
  // Nothing lies beside them: no part, no map.
  CHECK(detail::cache_items(bench.folder).size() == 5);
  CHECK(files_in(bench.folder) == 6);  // and the lock
}

TEST_CASE("a fetch that breaks off goes on where it was, also in another process") {
  Bench bench;
  const std::string content = content_of(5 * kCachePieceBytes + 3);
  OneFile store(content);
  store.breaks = 1;
  store.breaks_after = 2 * kCachePieceBytes + 100;
  const CachedContent wanted = named("big", content.size());
  uint64_t told = 0;
  CHECK(text_of(bench.cache()->fetch(wanted, store, [&](uint64_t count) { told += count; }).value()) == content);
  CHECK(store.starts == std::vector<uint64_t>{0, 2 * kCachePieceBytes});
  CHECK(told == content.size());

  const CachedContent second{"store", "second", "e", content.size()};
  {
    const auto cache = bench.cache();
    const auto file = cache->open(second);
    REQUIRE(file);
    CHECK(cache->put(*file, 0, std::string_view(content).substr(0, kCachePieceBytes)));
    CHECK(file->has(0));
    CHECK(!file->has(1));
  }
  store.starts.clear();
  CHECK(text_of(bench.cache()->fetch(second, store).value()) == content);
  CHECK(store.starts == std::vector<uint64_t>{kCachePieceBytes});
}

TEST_CASE("another etag, another store or another size is another file; what changed is refused") {
  Bench bench;
  OneFile store("hello");
  const auto cache = bench.cache();
  CHECK(text_of(cache->fetch({"a", "f", "e", 5}, store).value()) == "hello");
  CHECK(cache->fetch({"a", "f", "old", 5}, store).error().code == &errors::data_changed);
  CHECK(cache->fetch({"a", "f", "e", 4}, store).error().code == &errors::data_changed);
  CHECK(cache->fetch({"a", "f", "e", 6}, store).error().code == &errors::data_changed);
  CHECK(*cache->fetch({"b", "f", "e", 5}, store) != *cache->fetch({"a", "f", "e", 5}, store));
}

TEST_CASE("marks of an earlier boot, or of another part file, are worth nothing") {
  Bench bench;
  const std::string content = content_of(3 * kCachePieceBytes);
  const CachedContent wanted = named("f", content.size());
  fs::path map;
  {
    const auto cache = bench.cache();
    const auto file = cache->open(wanted);
    REQUIRE(file);
    CHECK(cache->put(*file, 1, std::string_view(content).substr(kCachePieceBytes, kCachePieceBytes)));
  }
  for (const auto& entry : fs::recursive_directory_iterator(bench.folder)) {
    if (entry.path().extension() == ".map") map = entry.path();
  }
  REQUIRE(!map.empty());
  CHECK(bench.cache()->open(wanted)->has(1));
  std::fstream(map, std::ios::in | std::ios::out | std::ios::binary).seekp(8).write("another boot", 12);
  const auto cache = bench.cache();
  const auto file = cache->open(wanted);
  CHECK(!file->has(1));
  put_all(*cache, *file, content);
  CHECK(file->is_whole());
}

TEST_CASE("what was used least recently goes, what is open stays") {
  Bench bench;
  constexpr uint64_t kSize = 2 * kCachePieceBytes;
  const std::string content = content_of(kSize);
  OneFile store(content);
  std::vector<fs::path> paths;
  for (int i = 0; i < 6; ++i) {
    paths.push_back(bench.cache()->fetch(named(fmt::format("f{}", i), kSize), store).value());
    // f0 was used last, f5 first.
    const timespec times[2] = {{1'700'000'000 - i, 0}, {1'700'000'000 - i, 0}};
    REQUIRE(utimensat(AT_FDCWD, paths.back().c_str(), times, 0) == 0);
  }
  const auto reader = bench.cache();
  const auto open = reader->open(named("f5", kSize));
  REQUIRE(open->is_whole());  // which is a use, too
  const timespec old[2] = {{1'600'000'000, 0}, {1'600'000'000, 0}};
  REQUIRE(utimensat(AT_FDCWD, paths[5].c_str(), old, 0) == 0);
  bench.cache(4 * kSize)->trim();
  CHECK(fs::exists(paths[0]));
  CHECK(fs::exists(paths[1]));
  CHECK(fs::exists(paths[5]));
  CHECK(!fs::exists(paths[4]));
  CHECK(!fs::exists(paths[3]));
  CHECK(cache_use(bench.folder)->size_bytes <= 4 * kSize);
}

TEST_CASE("the limit holds while files come, and for what is larger than it") {
  Bench bench;
  constexpr uint64_t kLimit = 10 * kCachePieceBytes;
  const std::string content = content_of(3 * kCachePieceBytes);
  OneFile store(content);
  for (int i = 0; i < 12; ++i) {
    // Each in a process of its own: what one has pinned stays.
    CHECK(bench.cache(kLimit)->fetch(named(fmt::format("f{}", i), content.size()), store));
    CHECK(cache_use(bench.folder)->size_bytes <= kLimit + content.size());
  }
  const auto cache = bench.cache(kLimit);
  CHECK(cache->open(named("huge", kLimit + 1)) == nullptr);
  const auto refused = cache->fetch(named("huge", kLimit + 1), store);
  CHECK(refused.error().code == &errors::disk_full);
  // More than the limit in all, for one caller who needs all of it at once.
  for (int i = 0; i < 3; ++i) CHECK(cache->fetch(named(fmt::format("f{}", i), content.size()), store));
  CHECK(cache->fetch(named("f3", content.size()), store).error().code == &errors::disk_full);
}

TEST_CASE("what is over the limit by files that are open goes once they are closed") {
  Bench bench;
  constexpr uint64_t kSize = 10 * kCachePieceBytes;
  const std::string content = content_of(kSize);
  OneFile store(content);
  REQUIRE(bench.cache()->fetch(named("old", kSize), store));
  const auto reader = bench.cache();
  auto open = reader->open(named("old", kSize));
  FileCache cache({.folder = bench.folder, .size_bytes_max = kSize / 2, .free_bytes_min = 0, .look_again = {}});
  const auto file = cache.open(named("new", 2 * kCachePieceBytes));
  REQUIRE(file);
  CHECK(!cache.put(*file, 0, std::string_view(content).substr(0, kCachePieceBytes)));
  open.reset();
  CHECK(cache.put(*file, 0, std::string_view(content).substr(0, kCachePieceBytes)));
  CHECK(bench.lines.empty());
}

TEST_CASE("several processes fill one file, one reads, one removes") {
  Bench bench;
  const std::string content = content_of(24 * kCachePieceBytes + 5);
  const CachedContent wanted = named("shared", content.size());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (size_t worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&, worker] {
      for (int round = 0; round < 20; ++round) {
        const auto cache = bench.cache();
        const auto file = cache->open(wanted);
        if (!file) continue;
        for (uint64_t step = 0; step < 25; ++step) {
          const uint64_t piece = (step + 6 * worker) % 25;
          const std::string_view right = std::string_view(content).substr(piece * kCachePieceBytes, kCachePieceBytes);
          if (!file->has(piece)) {
            cache->put(*file, piece, right);
            continue;
          }
          std::string there(right.size(), '\0');
          if (::pread(file->fd(), there.data(), there.size(), static_cast<off_t>(piece * kCachePieceBytes)) !=
                  static_cast<ssize_t>(there.size()) ||
              there != right)
            ++wrong;
        }
      }
    });
  }
  threads.emplace_back([&] {
    for (int round = 0; round < 50; ++round) (void)clear_cache(bench.folder);
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  OneFile store(content);
  CHECK(text_of(bench.cache()->fetch(wanted, store).value()) == content);
}

TEST_CASE("a full disk is said once, and is no error of who reads") {
  Bench bench;
  REQUIRE(make_directories(bench.folder));
  if (::mount("tmpfs", bench.folder.c_str(), "tmpfs", 0, "size=4m") != 0) {
    const char* const ci = std::getenv("CI");
    if (ci != nullptr && std::string_view(ci) == "true") FAIL("no tmpfs can be mounted");
    MESSAGE("left out: no tmpfs can be mounted here");
    return;
  }
  {
    const std::string content = content_of(8 * kCachePieceBytes);
    const auto cache = bench.cache();
    const auto file = cache->open(named("f", content.size()));
    REQUIRE(file);
    int kept = 0;
    for (uint64_t piece = 0; piece < 8; ++piece)
      kept += cache->put(*file, piece, std::string_view(content).substr(piece * kCachePieceBytes, kCachePieceBytes)) ? 1 : 0;
    CHECK(kept >= 2);
    CHECK(kept < 8);
    CHECK(bench.lines.size() == 1);
    CHECK(!file->is_whole());
    OneFile store(content);
    CHECK(cache->fetch(named("g", content.size()), store).error().code == &errors::disk_full);
    CHECK(bench.lines.size() == 1);
  }
  CHECK(::umount2(bench.folder.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a folder that cannot be used is said once") {
  Bench bench;
  std::ofstream(bench.folder) << "a file";
  const auto cache = bench.cache();
  CHECK(cache->open(named("f", 5)) == nullptr);
  CHECK(cache->open(named("g", 5)) == nullptr);
  CHECK(bench.lines.size() == 1);
}

TEST_CASE("sizes, the setting, emptying") {
  CHECK(parse_size("20GB").value() == 20'000'000'000);
  CHECK(parse_size("512 MiB").value() == 512ULL * 1024 * 1024);
  CHECK(parse_size("1.5k").value() == 1500);
  CHECK(parse_size("7").value() == 7);
  for (const char* const text : {"", "x", "-1", "1X", "1GBB", "1e40", "nan", "5 5"}) {
    CAPTURE(text);
    CHECK(!parse_size(text));
  }
  Bench bench;
  CHECK(cache_limit(bench.folder) >= 1ULL << 30);
  CHECK(set_cache_limit(bench.folder, 5).error().code == &errors::usage);
  REQUIRE(set_cache_limit(bench.folder, 50'000'000));
  CHECK(cache_limit(bench.folder) == 50'000'000);
  OneFile store("hello");
  REQUIRE(bench.cache(0)->fetch(named("f", 5), store));
  CHECK(cache_use(bench.folder)->files == 1);
  CHECK(clear_cache(bench.folder).value() > 0);
  CHECK(cache_use(bench.folder)->files == 0);
  CHECK(cache_limit(bench.folder) == 50'000'000);
}
