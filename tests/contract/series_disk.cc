// What only a series store on disk can show: chunks, segments, torn tails, being killed.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/process.hh"
#include "support/series_worlds.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::testing;

TEST_CASE("a long series is read across chunks and tail") {
  SqliteWorld world;
  constexpr int64_t kCount = 30'000;
  for (int64_t first = 0; first < kCount; first += 7'000) {
    std::vector<MetricLine> lines;
    for (int64_t i = first; i < std::min(kCount, first + 7'000); ++i) lines.push_back(scalar(i + 1, "m", i, i));
    must_append(world, writer(), std::move(lines));
    if (first < 21'000) world.roll_up();
  }
  for (const int64_t from : {0L, 999L, 8'191L, 8'192L, 20'999L, 21'000L, 29'999L}) {
    const SeriesPage page = points(*world.store, "m", "", from, 9'000);
    const int64_t wanted = std::min<int64_t>(9'000, kCount - from);
    REQUIRE(static_cast<int64_t>(page.points.size()) == wanted);
    CHECK(page.more == (from + wanted < kCount));
    for (int64_t i = 0; i < wanted; ++i) REQUIRE(std::get<int64_t>(page.points[static_cast<size_t>(i)].value) == from + i);
  }
}

TEST_CASE("a roll-up that is durable frees its segments") {
  SqliteWorld world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  const auto before = world.segments();
  world.roll_up();
  const auto after = world.segments();
  REQUIRE(before.size() == 1);
  REQUIRE(after.size() == 1);
  CHECK(after[0] > before[0]);
}

TEST_CASE("a disk with less room than is reserved ahead takes points") {
  SqliteWorld world;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto disposition = std::signal(SIGXFSZ, SIG_IGN);
  rlimit narrow = before;
  narrow.rlim_cur = 1 << 20;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &narrow) == 0);
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, disposition);
  world.reopen();
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2});
}

TEST_CASE("starts without new points leave neither segments nor reserved space behind") {
  SqliteWorld world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  const auto written = world.segments();
  REQUIRE(written.size() == 1);
  CHECK(std::filesystem::file_size(written[0]) >= 4 << 20);  // reserved with the first record
  for (int i = 0; i < 4; ++i) {
    world.reopen();
    const auto found = world.segments();
    REQUIRE(found.size() == 2);  // the one with the record, and that of this start
    CHECK(found[0] == written[0]);
    CHECK(found[1] > written[0]);
    CHECK(std::filesystem::file_size(found[1]) == 24);  // its header
  }
  must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  world.reopen();
  CHECK(world.segments().size() == 3);
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2});
}

TEST_CASE("a roll-up with nothing to move still drops older segments") {
  SqliteWorld world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  world.roll_up();
  const auto current = world.segments();
  REQUIRE(current.size() == 1);
  std::ofstream(world.folder / "segment-0000000000000000.log").close();
  world.roll_up();
  CHECK(world.segments() == current);
  must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2});
}

TEST_CASE("a torn tail is cut, and what was whole before it stays") {
  SqliteWorld world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  world.store.reset();
  const std::filesystem::path segment = world.segments().back();
  std::string bytes = *read_file(segment);
  const size_t end = bytes.find_last_not_of('\0') + 1;
  SUBCASE("the last record is not whole") {
    bytes[end - 3] = static_cast<char>(bytes[end - 3] ^ 0x55);
    std::ofstream(segment, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    world.open();
    CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1});
    must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  }
  SUBCASE("the file ends within the last record") {
    std::filesystem::resize_file(segment, end - 5);
    world.open();
    CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1});
    must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  }
  SUBCASE("rubbish follows the last record") {
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(end), 100, 'x');
    std::ofstream(segment, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    world.open();
  }
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2});
  world.reopen();
  CHECK(integers(points(*world.store, "m")) == std::vector<int64_t>{1, 2});
}

TEST_CASE("a damaged record that others follow is not passed over") {
  SqliteWorld world;
  must_append(world, writer(), {scalar(1, "m", int64_t{1})});
  world.store.reset();
  const std::filesystem::path segment = world.segments().back();
  world.open();
  must_append(world, writer(), {scalar(2, "m", int64_t{2})});
  world.store.reset();
  std::string bytes = *read_file(segment);
  const size_t end = bytes.find_last_not_of('\0') + 1;
  bytes[end - 1] = static_cast<char>(bytes[end - 1] ^ 0x55);
  std::ofstream(segment, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto opened = open_sqlite_series_store(world.folder);
  REQUIRE(!opened);
  CHECK(opened.error().code->id == "store_corrupt");
}

TEST_CASE("a second process is refused") {
  SqliteWorld world;
  const auto second = open_sqlite_series_store(world.folder);
  REQUIRE(!second);
  CHECK(second.error().code->id == "store_busy");
}

TEST_CASE("a flood rolls up by itself") {
  SqliteWorld world;
  world.store.reset();
  SeriesConfig config;
  config.rollup_points = 100;
  config.tail_points_max = 500;
  config.rollup_interval = std::chrono::hours(1);
  auto opened = open_sqlite_series_store(world.folder, config);
  REQUIRE(opened);
  world.store = std::move(*opened);
  for (int64_t batch = 0; batch < 40; ++batch) {
    std::vector<MetricLine> lines;
    for (int64_t i = batch * 50; i < (batch + 1) * 50; ++i) lines.push_back(scalar(i + 1, "m", i));
    must_append(world, writer(), std::move(lines));
  }
  const SeriesPage page = points(*world.store, "m");
  REQUIRE(page.points.size() == 2000);
  for (int64_t i = 0; i < 2000; ++i) CHECK(std::get<int64_t>(page.points[static_cast<size_t>(i)].value) == i);
}

// The child of the case below: appends and rolls up in the given folder until a failpoint kills it; notes what was acknowledged.
TEST_CASE("crash child" * doctest::skip()) {
  const char* const folder = std::getenv("SERIES_CRASH_FOLDER");
  REQUIRE(folder != nullptr);
  SeriesConfig config;
  config.rollup_interval = std::chrono::hours(1);
  auto store = open_sqlite_series_store(folder, config);
  REQUIRE(store);
  std::ofstream acknowledged(std::filesystem::path(folder) / "acknowledged", std::ios::app);
  int64_t sequence = *(*store)->accepted(writer());
  for (int batch = 1; batch <= 30; ++batch) {
    std::vector<MetricLine> lines;
    for (int i = 0; i < 50; ++i) {
      ++sequence;
      lines.push_back(scalar(sequence, "m", sequence - 1));
    }
    REQUIRE(sync_wait((*store)->append(writer(), std::move(lines))));
    acknowledged << sequence << std::endl;
    if (batch % 4 == 0) REQUIRE((*store)->roll_up());
  }
}

TEST_CASE("kill -9 at any passage: what was acknowledged is there once") {
  for (const std::string place :
       {"series.before_sync", "series.after_sync", "series.before_rollup_commit", "series.after_rollup_commit"}) {
    const std::filesystem::path folder = SqliteWorld::new_folder();
    for (const int passage : {1, 2, 3}) {  // each time in the folder that the kill before left behind
      CAPTURE(place);
      CAPTURE(passage);
      SpawnPlan plan;
      plan.argv = {own_executable().string(), "--no-skip", "--test-case=crash child"};
      plan.environment = current_environment();
      plan.environment["SERIES_CRASH_FOLDER"] = folder.string();
      plan.environment["WERKBANK_FAILPOINTS"] = place + "=kill@" + std::to_string(passage);
      const Result<ProcessResult> child = run_process(plan, std::chrono::seconds(120));
      REQUIRE(child);
      REQUIRE_MESSAGE(child->exit_code == 128 + 9, child->out);
      int64_t acknowledged = 0;
      std::ifstream notes(folder / "acknowledged");
      for (int64_t note = 0; notes >> note;) acknowledged = note;
      const auto store = open_sqlite_series_store(folder);
      REQUIRE_MESSAGE(store, store.error().to_string());
      const int64_t accepted = *(*store)->accepted(writer());
      CHECK(accepted >= acknowledged);
      const std::vector<int64_t> values = integers(points(**store, "m"));
      REQUIRE(static_cast<int64_t>(values.size()) == accepted);
      for (int64_t i = 0; i < accepted; ++i) REQUIRE(values[static_cast<size_t>(i)] == i);
    }
    CHECK(remove_tree(folder));
  }
}
