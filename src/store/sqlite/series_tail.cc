#include "store/sqlite/series_tail.hh"

#include "store/series_summary.hh"

namespace werkbank::store::sqlite {
namespace {

// The key of a series within its run, in a buffer that is used again and again.
const std::string& series_key(std::string& buffer, const std::string& metric, const std::string& column) {
  buffer.assign(metric);
  buffer += '\0';
  buffer += column;
  return buffer;
}

}  // namespace

RunTail::RunTail(std::vector<MetricSummary> known) {
  for (MetricSummary& summary : known) {
    const int64_t count = summary.count;
    index(series_.emplace_back(SeriesTail{std::move(summary), count, {}}));
  }
}

void RunTail::index(const SeriesTail& tail) {
  std::string buffer;
  by_name_.emplace(series_key(buffer, tail.summary.name, tail.summary.column), series_.size() - 1);
}

SeriesTail& RunTail::open(const std::string& metric, const std::string& column, MetricKind kind) {
  thread_local std::string buffer;
  const auto found = by_name_.find(series_key(buffer, metric, column));
  if (found != by_name_.end()) return series_[found->second];
  MetricSummary summary;
  summary.name = metric;
  summary.column = column;
  summary.kind = kind;
  SeriesTail& tail = series_.emplace_back(SeriesTail{std::move(summary), 0, {}});
  index(tail);
  return tail;
}

const SeriesTail* RunTail::find(const std::string& metric, const std::string& column) const {
  std::string buffer;
  const auto found = by_name_.find(series_key(buffer, metric, column));
  return found == by_name_.end() ? nullptr : &series_[found->second];
}

void RunTail::add_line(const MetricLine& line) {
  for (const MetricLine::Column& column : line.columns) {
    if (column.values.empty()) continue;
    SeriesTail& tail = open(line.name, column.name, line.kind);
    for (const MetricValue& value : column.values) {
      const MetricPoint point{tail.summary.count, line.timestamp_ms, line.step.value_or(0), line.step.has_value(), value};
      add_to_summary(tail.summary, point);
      tail.points.add(line.timestamp_ms, line.step, value);
    }
    points_ += column.values.size();
  }
}

void Generation::remove(const RunKey& run) {
  if (const auto found = runs.find(run); found != runs.end()) {
    points -= found->second.points();
    runs.erase(found);
  }
  std::erase_if(accepted, [&](const auto& entry) { return entry.first.run == run; });
  removed.insert(run);
}

}  // namespace werkbank::store::sqlite
