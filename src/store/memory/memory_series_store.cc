#include "store/memory/memory_series_store.hh"

#include <algorithm>
#include <map>
#include <mutex>

#include "store/series_summary.hh"

namespace werkbank::store {
namespace {

struct Series {
  MetricSummary summary;
  std::vector<MetricPoint> points;
};

struct RunSeries {
  std::vector<Series> series;  // by first appearance
  std::map<std::pair<std::string, std::string>, size_t> by_name;
};

class MemorySeriesStore final : public SeriesStore {
 public:
  Task<Result<int64_t>> append(SeriesWriter writer, std::vector<MetricLine> lines) override {
    bool added = false;
    Result<int64_t> accepted = take(writer, lines, added);
    if (added && listener_) listener_(writer.run);
    co_return accepted;
  }

  Result<int64_t> accepted(const SeriesWriter& writer) override {
    const std::lock_guard lock(mutex_);
    const auto found = accepted_.find(writer);
    return found == accepted_.end() ? 0 : found->second;
  }

  Result<std::vector<MetricSummary>> summaries(const RunKey& run) override {
    const std::lock_guard lock(mutex_);
    std::vector<MetricSummary> found;
    if (const auto entry = runs_.find(run); entry != runs_.end()) {
      for (const Series& series : entry->second.series) found.push_back(series.summary);
    }
    return found;
  }

  Result<SeriesPage> points(const RunKey& run, const std::string& metric, const std::string& column, int64_t from_sequence,
                            int64_t limit) override {
    const std::lock_guard lock(mutex_);
    SeriesPage page;
    page.next_sequence = std::max<int64_t>(from_sequence, 0);
    const auto entry = runs_.find(run);
    if (entry == runs_.end()) return page;
    const auto named = entry->second.by_name.find({metric, column});
    if (named == entry->second.by_name.end()) return page;
    const std::vector<MetricPoint>& all = entry->second.series[named->second].points;
    while (page.next_sequence < static_cast<int64_t>(all.size()) && static_cast<int64_t>(page.points.size()) < limit) {
      page.points.push_back(all[static_cast<size_t>(page.next_sequence++)]);
    }
    page.more = page.next_sequence < static_cast<int64_t>(all.size());
    return page;
  }

  Status remove_run(const RunKey& run) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(errors::unavailable, "the series store is closed");
    runs_.erase(run);
    std::erase_if(accepted_, [&](const auto& entry) { return entry.first.run == run; });
    return {};
  }

  void on_points(std::function<void(const RunKey&)> listener) override { listener_ = std::move(listener); }

  Status scrub() override { return {}; }

  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  Result<int64_t> take(const SeriesWriter& writer, const std::vector<MetricLine>& lines, bool& added) {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(errors::unavailable, "the series store is closed");
    const auto before = accepted_.find(writer);
    const int64_t accepted_before = before == accepted_.end() ? 0 : before->second;
    TRY(const size_t first, first_new_line(lines, accepted_before));
    if (first == lines.size()) return accepted_before;
    for (size_t i = first; i < lines.size(); ++i) add_line(runs_[writer.run], lines[i]);
    accepted_[writer] = lines.back().sequence;
    added = true;
    return lines.back().sequence;
  }

  static void add_line(RunSeries& run, const MetricLine& line) {
    for (const MetricLine::Column& column : line.columns) {
      if (column.values.empty()) continue;
      const auto [named, is_new] = run.by_name.try_emplace({line.name, column.name}, run.series.size());
      if (is_new)
        run.series.push_back({{.name = line.name, .column = column.name, .kind = line.kind, .minimum = {}, .maximum = {}}, {}});
      Series& series = run.series[named->second];
      for (const MetricValue& value : column.values) {
        MetricPoint point{static_cast<int64_t>(series.points.size()), line.timestamp_ms, line.step.value_or(0),
                          line.step.has_value(), value};
        add_to_summary(series.summary, point);
        series.points.push_back(std::move(point));
      }
    }
  }

  std::mutex mutex_;
  std::map<RunKey, RunSeries> runs_;
  std::map<SeriesWriter, int64_t> accepted_;
  std::function<void(const RunKey&)> listener_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<SeriesStore> make_memory_series_store() { return std::make_unique<MemorySeriesStore>(); }

}  // namespace werkbank::store
