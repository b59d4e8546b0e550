// The series stores that the contract suites run against, and short words for what the cases do with them.
#pragma once

#include <doctest/doctest.h>

#include <bit>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/files.hh"
#include "base/hash.hh"
#include "store/memory/memory_series_store.hh"
#include "store/sqlite/sqlite_series_store.hh"

namespace werkbank::store::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct MemoryWorld {
  std::unique_ptr<SeriesStore> store = make_memory_series_store();
  void reopen() {}
  void roll_up() {}
};

// Nothing rolls up by itself: the cases say when.
struct SqliteWorld {
  SqliteWorld() { open(); }
  ~SqliteWorld() {
    store.reset();
    (void)remove_tree(folder);
  }
  void open() {
    SeriesConfig config;
    config.rollup_interval = std::chrono::hours(1);
    Result<std::unique_ptr<SqliteSeriesStore>> opened = open_sqlite_series_store(folder, config);
    REQUIRE_MESSAGE(opened, opened.error().to_string());
    store = std::move(*opened);
  }
  void reopen() {
    store.reset();
    open();
  }
  void roll_up() {
    const Status rolled = store->roll_up();
    REQUIRE_MESSAGE(rolled, rolled.error().to_string());
  }
  std::vector<std::filesystem::path> segments() const {
    std::set<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".log") found.insert(entry.path());
    }
    return {found.begin(), found.end()};
  }
  static std::filesystem::path new_folder() {
    const std::filesystem::path made = std::filesystem::temp_directory_path() / ("wb-series-" + random_hex(8));
    REQUIRE(make_directories(made));
    return made;
  }
  std::filesystem::path folder = new_folder();
  std::unique_ptr<SqliteSeriesStore> store;
};

// Rolls up after every append: what is true of the tail must be true of the chunks.
struct RollingWorld : SqliteWorld {};

#define ALL_STORES MemoryWorld, SqliteWorld, RollingWorld

inline const RunKey kRun{"default", "run/1"};

inline SeriesWriter writer(const std::string& name = "w", const RunKey& run = kRun) { return {run, 1, 0, name}; }

inline MetricLine scalar(int64_t sequence, const std::string& name, MetricValue value, std::optional<int64_t> step = {},
                         int64_t at = 1000) {
  MetricLine line;
  line.sequence = sequence;
  line.name = name;
  line.timestamp_ms = at;
  line.step = step;
  line.columns = {{"", {std::move(value)}}};
  return line;
}

template <typename World>
Result<int64_t> append(World& world, const SeriesWriter& by, std::vector<MetricLine> lines) {
  Result<int64_t> accepted = sync_wait(world.store->append(by, std::move(lines)));
  if constexpr (std::is_same_v<World, RollingWorld>) world.roll_up();
  return accepted;
}

template <typename World>
void must_append(World& world, const SeriesWriter& by, std::vector<MetricLine> lines) {
  const int64_t last = lines.back().sequence;
  const Result<int64_t> accepted = append(world, by, std::move(lines));
  REQUIRE_MESSAGE(accepted, accepted.error().to_string());
  CHECK(*accepted == last);
}

inline SeriesPage points(SeriesStore& store, const std::string& metric, const std::string& column = "", int64_t from = 0,
                         int64_t limit = 1 << 30, const RunKey& run = kRun) {
  Result<SeriesPage> page = store.points(run, metric, column, from, limit);
  REQUIRE_MESSAGE(page, page.error().to_string());
  return std::move(*page);
}

inline std::vector<MetricSummary> summaries(SeriesStore& store, const RunKey& run = kRun) {
  Result<std::vector<MetricSummary>> found = store.summaries(run);
  REQUIRE_MESSAGE(found, found.error().to_string());
  return std::move(*found);
}

inline std::vector<int64_t> integers(const SeriesPage& page) {
  std::vector<int64_t> values;
  for (const MetricPoint& point : page.points) values.push_back(std::get<int64_t>(point.value));
  return values;
}

inline bool same(const MetricValue& a, const MetricValue& b) {
  const double *const x = std::get_if<double>(&a), *const y = std::get_if<double>(&b);
  if (x != nullptr && y != nullptr) return std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(*y);
  return a == b;
}

inline std::string code(const Result<int64_t>& result) { return result ? "ok" : std::string(result.error().code->id); }

}  // namespace werkbank::store::testing
