// The part of the series that is durable in the log but not yet rolled up, indexed in memory. A Generation is what has come since
// a roll-up began; an idle series is in none. Not thread-safe: SqliteSeriesStore holds its lock around it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/series.hh"
#include "store/sqlite/point_columns.hh"

namespace werkbank::store::sqlite {

struct SeriesTail {
  MetricSummary summary;  // of the whole series, what is rolled up included
  int64_t first = 0;      // sequence of points[0]
  PointColumns points;
};

// All series of one run that wrote in this generation, in the order of their first appearance ever.
class RunTail {
 public:
  // `known`: the summaries of the run's series so far.
  explicit RunTail(std::vector<MetricSummary> known);
  void add_line(const MetricLine& line);
  const SeriesTail* find(const std::string& metric, const std::string& column) const;
  const std::deque<SeriesTail>& series() const { return series_; }
  size_t points() const { return points_; }

 private:
  SeriesTail& open(const std::string& metric, const std::string& column, MetricKind kind);
  void index(const SeriesTail& tail);
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::deque<SeriesTail> series_;
  std::unordered_map<std::string, size_t, TextHash, std::equal_to<>> by_name_;  // "metric\0column"
  size_t points_ = 0;
};

struct Generation {
  std::map<RunKey, RunTail> runs;
  std::map<SeriesWriter, int64_t> accepted;
  std::set<RunKey> removed;  // everything older than this generation is void for them
  size_t points = 0;

  bool empty() const { return runs.empty() && accepted.empty() && removed.empty(); }
  void remove(const RunKey& run);
};

}  // namespace werkbank::store::sqlite
