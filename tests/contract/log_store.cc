// What every LogStore promises. The directory's own promises (reopening, damage) follow below; its journal has
// log_store_journal.cc.
#include "content/log_store.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "content/directory/directory_log_store.hh"
#include "content/memory/memory_log_store.hh"
#include "support/log_worlds.hh"

using namespace werkbank;
using namespace werkbank::content;
using namespace werkbank::content::testing;

namespace {

void for_each_store(const std::function<void(LogStore&)>& check) {
  SUBCASE("memory") {
    const auto store = make_memory_log_store();
    check(*store);
    store->close();
    CHECK(code_of(append(*store, kDriver, store->size(kDriver).value_or(0), "more")) == &errors::unavailable);
  }
  SUBCASE("directory") {
    const TemporaryFolder folder;
    const auto store = open_directory_log_store(folder.path, {.open_files_max = 3});
    REQUIRE(store);
    check(**store);
    (*store)->close();
    CHECK(code_of(append(**store, kDriver, (*store)->size(kDriver).value_or(0), "more")) == &errors::unavailable);
  }
}

std::filesystem::path only_log_below(const std::filesystem::path& folder) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".log") found = entry.path();
  }
  REQUIRE(!found.empty());
  return found;
}

}  // namespace

TEST_CASE("what was removed is in no file any more, and what is left goes on") {
  const std::string needle = "canary of a removed run";
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("wb-logs-" + random_hex(8));
  auto store = open_directory_log_store(folder);
  REQUIRE(store);
  const LogKey gone{{"w", "gone"}, 1, 0, "logs/a"}, kept{{"w", "kept"}, 1, 0, "logs/a"};
  const auto append = [&](const LogKey& key, uint64_t offset, const std::string& bytes) {
    return sync_wait((*store)->append(key, offset, bytes)).value_or(0);
  };
  REQUIRE(append(gone, 0, needle) == needle.size());
  REQUIRE(append(kept, 0, "kept") == 4);
  REQUIRE((*store)->remove_run(gone.run));
  REQUIRE((*store)->scrub());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    CAPTURE(entry.path().string());
    CHECK(read_file(entry.path())->find(needle) == std::string::npos);
  }
  CHECK(append(kept, 4, " on") == 7);
  CHECK((*store)->read(kept, 0, 100) == "kept on");
  (*store)->close();
  CHECK(remove_tree(folder));
}

TEST_CASE("a stream grows and is read in parts") {
  for_each_store([](LogStore& store) {
    CHECK(store.size(kDriver) == 0);
    CHECK(store.read(kDriver, 0, 10) == "");
    CHECK(append(store, kDriver, 0, "hello ") == 6);
    CHECK(append(store, kDriver, 6, "world\n") == 12);
    CHECK(store.size(kDriver) == 12);
    CHECK(store.read(kDriver, 0, 100) == "hello world\n");
    CHECK(store.read(kDriver, 4, 4) == "o wo");
    CHECK(store.read(kDriver, 12, 4) == "");
    CHECK(store.read(kDriver, UINT64_MAX, 4) == "");
    const std::string odd("a\0\xFF\n", 4);
    CHECK(append(store, kDriver, 12, odd) == 16);
    CHECK(store.read(kDriver, 12, 4) == odd);
  });
}

TEST_CASE("repeated bytes count once, a gap is a conflict") {
  for_each_store([](LogStore& store) {
    CHECK(append(store, kDriver, 0, "") == 0);
    CHECK(append(store, kDriver, 0, "abc") == 3);
    CHECK(append(store, kDriver, 0, "abc") == 3);
    CHECK(append(store, kDriver, 1, "bcde") == 5);
    CHECK(append(store, kDriver, 1, "b") == 5);
    CHECK(append(store, kDriver, 5, "") == 5);
    const auto gap = append(store, kDriver, 6, "x");
    CHECK(code_of(gap) == &errors::offset_conflict);
    CHECK(gap.error().message.find("5 bytes") != std::string::npos);
    CHECK(code_of(append(store, kDriver, UINT64_MAX, "x")) == &errors::offset_conflict);
    CHECK(store.read(kDriver, 0, 100) == "abcde");
    const LogKey absent{kRun, 1, 0, "logs/absent"};
    CHECK(code_of(append(store, absent, 1, "x")) == &errors::offset_conflict);
  });
}

TEST_CASE("streams are told apart by run, attempt, rank and path") {
  for_each_store([](LogStore& store) {
    const std::vector<LogKey> keys{kDriver,
                                   {kRun, 2, 0, kDriver.path},
                                   {kRun, 1, 1, kDriver.path},
                                   {kRun, 1, 0, "logs/a"},
                                   {kRun, 1, 0, "logs/../../a \xC3\xA9\"\n%"},  // no text becomes a path
                                   {{"default", "run_2"}, 1, 0, kDriver.path},
                                   {{"other", "run_1"}, 1, 0, kDriver.path},
                                   {{"..", "..\n\xF0\x9F\x90\x8D"}, 1, 0, std::string(1000, 'p')}};
    for (size_t i = 0; i < keys.size(); ++i) CHECK(append(store, keys[i], 0, std::string(i + 1, 'x')) == i + 1);
    for (size_t i = 0; i < keys.size(); ++i) CHECK(store.read(keys[i], 0, 100) == std::string(i + 1, 'x'));
    const auto infos = store.list(kRun);
    REQUIRE(infos);
    REQUIRE(infos->size() == 5);
    const size_t order[] = {0, 2, 1, 4, 3};
    for (size_t i = 0; i < 5; ++i) {
      CHECK((*infos)[i].key == keys[order[i]]);
      CHECK((*infos)[i].size_bytes == order[i] + 1);
    }
    CHECK(store.list({"default", "none"})->empty());
    CHECK(store.list(keys[7].run)->at(0).key == keys[7]);
  });
}

TEST_CASE("a removed run is gone, others stay, and it may begin anew") {
  for_each_store([](LogStore& store) {
    const LogKey other{{"default", "run_2"}, 1, 0, "a"};
    REQUIRE(append(store, kDriver, 0, "old"));
    REQUIRE(append(store, other, 0, "other"));
    REQUIRE(store.remove_run(kRun));
    CHECK(store.size(kDriver) == 0);
    CHECK(store.list(kRun)->empty());
    CHECK(store.read(other, 0, 10) == "other");
    CHECK(append(store, kDriver, 0, "new") == 3);
    CHECK(store.read(kDriver, 0, 10) == "new");
    REQUIRE(store.remove_run({"default", "none"}));
  });
}

TEST_CASE("concurrent appends to many streams, repeated and out of step, come out exactly once") {
  for_each_store([](LogStore& store) {
    std::mutex mutex;
    std::map<LogKey, uint64_t> told;
    std::atomic<int> failures{0};
    store.on_append([&](const LogKey& key, uint64_t size) {
      const std::lock_guard lock(mutex);
      if (told[key] >= size) ++failures;  // sizes only grow
      told[key] = size;
    });
    constexpr int kStreams = 8, kPieces = 25;
    const auto key = [](int i) { return LogKey{{"default", fmt::format("run_{}", i % 2)}, 1, i, "logs/x"}; };
    const auto piece = [](int stream, int i) { return fmt::format("stream {} line {:04}\n", stream, i); };
    const auto write = [&](int stream) {
      uint64_t offset = 0;
      for (int i = 0; i < kPieces; ++i) {
        const std::string bytes = piece(stream, i);
        const auto length = append(store, key(stream), offset, bytes);
        if (!length || *length < offset + bytes.size()) ++failures;
        offset += bytes.size();
        if (store.read(key(stream), offset - bytes.size(), bytes.size()) != bytes) ++failures;  // acknowledged is readable
      }
    };
    std::vector<std::thread> threads;
    for (int stream = 0; stream < kStreams; ++stream) {
      threads.emplace_back(write, stream);
      threads.emplace_back(write, stream);  // a second runner that sends the same
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(failures.load() == 0);
    for (int stream = 0; stream < kStreams; ++stream) {
      std::string whole;
      for (int i = 0; i < kPieces; ++i) whole += piece(stream, i);
      CHECK(store.read(key(stream), 0, UINT64_MAX) == whole);
    }
  });
}

TEST_CASE("removing a run while it is written leaves a whole stream or none") {
  for_each_store([](LogStore& store) {
    std::atomic<bool> done{false};
    std::atomic<int> failures{0};
    std::thread writer([&] {
      for (int i = 0; i < 50; ++i) {
        const uint64_t size = store.size(kDriver).value_or(0);
        const auto length = append(store, kDriver, size, "0123456789");
        // The stream may have been removed between the two: then the offset does not fit any more.
        if (!length && length.error().code != &errors::offset_conflict && length.error().code != &errors::io_failed) ++failures;
      }
      done = true;
    });
    while (!done) {
      if (!store.remove_run(kRun)) ++failures;
    }
    writer.join();
    CHECK(failures.load() == 0);
    REQUIRE(store.remove_run(kRun));
    CHECK(append(store, kDriver, 0, "anew") == 4);
    CHECK(store.read(kDriver, 0, 100) == "anew");
  });
}

TEST_CASE("directory: streams outlive the store and go on where they were") {
  const TemporaryFolder folder;
  {
    const auto store = open_directory_log_store(folder.path);
    REQUIRE(store);
    REQUIRE(append(**store, kDriver, 0, "before "));
  }
  std::ofstream(folder.path / "unclean") << "";  // as after a crash
  const auto store = open_directory_log_store(folder.path);
  REQUIRE(store);
  CHECK((*store)->size(kDriver) == 7);
  CHECK((*store)->list(kRun)->at(0).key == kDriver);
  CHECK(append(**store, kDriver, 0, "before ") == 7);
  CHECK(append(**store, kDriver, 7, "after") == 12);
  CHECK((*store)->read(kDriver, 0, 100) == "before after");
  (*store)->close();
  CHECK_FALSE(std::filesystem::exists(folder.path / "unclean"));
}

TEST_CASE("directory: more streams than descriptors") {
  const TemporaryFolder folder;
  const auto store = open_directory_log_store(folder.path, {.open_files_max = 2});
  REQUIRE(store);
  const auto key = [](int i) { return LogKey{kRun, 1, i, "logs/x"}; };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) REQUIRE(append(**store, key(i), static_cast<uint64_t>(round), "x") == round + 1);
  }
  for (int i = 0; i < 10; ++i) CHECK((*store)->read(key(i), 0, 10) == "xxx");
}

TEST_CASE("directory: a file whose key was not written whole is dropped, a damaged one is named") {
  const TemporaryFolder folder;
  {
    const auto store = open_directory_log_store(folder.path);
    REQUIRE(store);
    REQUIRE(append(**store, kDriver, 0, "text"));
  }
  const std::filesystem::path file = only_log_below(folder.path);
  SUBCASE("cut") {
    std::filesystem::resize_file(file, 10);
    const auto store = open_directory_log_store(folder.path);
    REQUIRE(store);
    CHECK((*store)->list(kRun)->empty());
    CHECK(append(**store, kDriver, 0, "anew") == 4);
  }
  SUBCASE("overwritten") {
    std::ofstream(file) << "nonsense\nand more\n";
    const auto store = open_directory_log_store(folder.path);
    REQUIRE(store);
    CHECK(code_of((*store)->size(kDriver)) == &errors::store_corrupt);
    CHECK(code_of(append(**store, kDriver, 0, "x")) == &errors::store_corrupt);
    CHECK(code_of((*store)->list(kRun)) == &errors::store_corrupt);
  }
  SUBCASE("another stream's") {
    const auto store = open_directory_log_store(folder.path);
    REQUIRE(store);
    const LogKey other{kRun, 7, 0, "logs/y"};
    REQUIRE(append(**store, other, 0, "x"));
    (*store)->close();
    for (const auto& entry : std::filesystem::directory_iterator(file.parent_path())) {
      if (entry.path() != file) std::filesystem::rename(entry.path(), file);
    }
    const auto again = open_directory_log_store(folder.path);
    REQUIRE(again);
    CHECK(code_of((*again)->size(kDriver)) == &errors::store_corrupt);
  }
}
