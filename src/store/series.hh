// Metric series: append-only points per (run, metric, column).
//
// Contract (tests/contract/series.cc): append() is acknowledged after a group fsync; a writer's lines are taken exactly once, by
// their sequence: a repeated line is ignored, a gap is refused (sequence_gap, naming the next expected); a skipped line counts.
// Built for 500,000 acknowledged points a second and a million runs: an append log with group commit, rolled up in the background
// into compressed chunks of 1,000 to 8,000 points; an idle series costs no memory. Readers see everything acknowledged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.hh"
#include "domain/metric.hh"
#include "domain/run.hh"

namespace werkbank::store {

// Who writes: a process of the job, or a client. Sequences count per writer.
struct SeriesWriter {
  RunKey run;
  int64_t attempt = 0;
  int64_t rank = 0;
  std::string writer;  // spool file's name, or the client's random id
  auto operator<=>(const SeriesWriter&) const = default;
};

struct SeriesPage {
  std::vector<MetricPoint> points;  // by sequence, which counts from 0 within the series
  int64_t next_sequence = 0;        // ask from here; equal to the given one at the end
  bool more = false;
};

class SeriesStore {
 public:
  virtual ~SeriesStore() = default;
  // Answers the writer's last accepted sequence, durable by then. Lines must be in order of sequence. An error: none was taken.
  virtual Task<Result<int64_t>> append(SeriesWriter writer, std::vector<MetricLine> lines) = 0;
  virtual Result<int64_t> accepted(const SeriesWriter& writer) = 0;             // 0 before the first line
  virtual Result<std::vector<MetricSummary>> summaries(const RunKey& run) = 0;  // by first appearance of the metric
  // Points with sequence >= from_sequence, at most `limit`.
  virtual Result<SeriesPage> points(const RunKey& run, const std::string& metric, const std::string& column,
                                    int64_t from_sequence, int64_t limit) = 0;
  virtual Status remove_run(const RunKey& run) = 0;
  // Called after points of a run became durable. Set once, before use.
  virtual void on_points(std::function<void(const RunKey&)> listener) = 0;
  // What was removed is no longer in the files. Blocks for a while; nothing else waits for it.
  virtual Status scrub() = 0;
  virtual void close() = 0;  // rolls up nothing, loses nothing
};

}  // namespace werkbank::store
