#include "store/sqlite/series_flusher.hh"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.hh"
#include "store/series_summary.hh"
#include "store/sqlite/series_record.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr size_t kRecordBytesMax = 1 << 30;
constexpr int64_t kPageMax = 1'000'000'000;

}  // namespace

SeriesFlusher::SeriesFlusher(const std::filesystem::path& folder, size_t readers_max, std::unique_ptr<Database> database)
    : log_(folder), database_(std::move(database)), readers_(database_->path(), readers_max) {}

Status SeriesFlusher::open() {
  TRY(const uint64_t first_segment, find_first_segment(*database_));
  return log_.open(first_segment, [this](std::string_view payload) { return replay(payload); });
}

// Lines that are there already are skipped: after a failed write the same lines may lie in the log twice.
Status SeriesFlusher::replay(std::string_view payload) {
  TRY(const SeriesRecord record, parse_series_record(payload));
  if (const auto* const removal = std::get_if<RemovalRecord>(&record)) {
    active_.remove(removal->run);
    return {};
  }
  const auto& [writer, lines] = std::get<LinesRecord>(record);
  TRY(const int64_t before, accepted(writer));
  TRY(const size_t first, first_new_line(lines, before));
  if (first == lines.size()) return {};
  auto run = active_.runs.find(writer.run);
  if (run == active_.runs.end()) {
    TRY(std::vector<MetricSummary> known, known_summaries(writer.run));
    run = active_.runs.emplace(writer.run, RunTail(std::move(known))).first;
  }
  apply(lines, first, run->second);
  active_.accepted[writer] = lines.back().sequence;
  return {};
}

void SeriesFlusher::apply(const std::vector<MetricLine>& lines, size_t first, RunTail& run) {
  const size_t before = run.points();
  for (size_t i = first; i < lines.size(); ++i) run.add_line(lines[i]);
  active_.points += run.points() - before;
}

template <typename T, typename Find>
std::optional<T> SeriesFlusher::in_memory(const RunKey& run, Find find, bool& is_removed) const {
  const std::shared_lock lock(state_mutex_);
  std::optional<T> found = find(active_);
  is_removed = active_.removed.contains(run);
  if (found || is_removed || !frozen_) return found;
  found = find(*frozen_);
  is_removed = frozen_->removed.contains(run);
  return found;
}

Result<int64_t> SeriesFlusher::accepted(const SeriesWriter& writer) {
  const auto find = [&](const Generation& generation) -> std::optional<int64_t> {
    const auto found = generation.accepted.find(writer);
    return found == generation.accepted.end() ? std::nullopt : std::optional<int64_t>(found->second);
  };
  bool is_removed = false;
  const std::optional<int64_t> found = in_memory<int64_t>(writer.run, find, is_removed);
  if (found || is_removed) return found.value_or(0);
  TRY(const ConnectionPool::Lease db, readers_.take());
  return find_accepted(*db, writer);
}

// Memory is asked first: it knows all series of a run that has written lately, and the roll-up moves only from memory to the
// database, never back. What it does not hold is complete in the database.
Result<std::vector<MetricSummary>> SeriesFlusher::known_summaries(const RunKey& run) {
  const auto find = [&](const Generation& generation) -> std::optional<std::vector<MetricSummary>> {
    const auto found = generation.runs.find(run);
    if (found == generation.runs.end()) return std::nullopt;
    std::vector<MetricSummary> copies;
    for (const SeriesTail& tail : found->second.series()) copies.push_back(tail.summary);
    return copies;
  };
  bool is_removed = false;
  std::optional<std::vector<MetricSummary>> found = in_memory<std::vector<MetricSummary>>(run, find, is_removed);
  if (found) return std::move(*found);
  if (is_removed) return std::vector<MetricSummary>();
  TRY(const ConnectionPool::Lease db, readers_.take());
  return list_summaries(*db, run);
}

Result<std::vector<MetricSummary>> SeriesFlusher::summaries(const RunKey& run) { return known_summaries(run); }

Result<SeriesPage> SeriesFlusher::points(const RunKey& run, const std::string& metric, const std::string& column, int64_t from,
                                         int64_t limit) {
  from = std::max<int64_t>(from, 0);
  limit = std::clamp<int64_t>(limit, 0, kPageMax);
  SeriesPage page;
  std::vector<MetricPoint> recent;  // from memory, in order, ending at `end`
  int64_t recent_first = -1;        // where memory begins; -1: it has nothing
  int64_t end = 0;
  bool is_removed = false;
  {
    const std::shared_lock lock(state_mutex_);
    const auto take = [&](const Generation& generation) {
      const auto found = generation.runs.find(run);
      const SeriesTail* const tail = found == generation.runs.end() ? nullptr : found->second.find(metric, column);
      if (tail == nullptr || tail->points.size() == 0) return;
      if (recent_first < 0) recent_first = tail->first;
      end = tail->summary.count;
      for (int64_t at = std::max(from, tail->first); at < end && static_cast<int64_t>(recent.size()) < limit; ++at) {
        recent.push_back(tail->points.at(static_cast<size_t>(at - tail->first), at));
      }
    };
    is_removed = active_.removed.contains(run) || (frozen_ && frozen_->removed.contains(run));
    if (frozen_ && !active_.removed.contains(run)) take(*frozen_);
    take(active_);
  }
  const bool needs_database = !is_removed && (recent_first < 0 || from < recent_first);
  if (needs_database) {
    TRY(const ConnectionPool::Lease db, readers_.take());
    CHECK_OK(db->execute("BEGIN"));
    const Status read = read_points(*db, run, metric, column, from, limit + 1, page.points);
    (void)db->execute("ROLLBACK");
    CHECK_OK(read);
  }
  // A roll-up may have moved some of `recent` in between: each sequence is taken once.
  int64_t next = page.points.empty() ? from : page.points.back().sequence + 1;
  for (MetricPoint& point : recent) {
    if (point.sequence != next) continue;
    page.points.push_back(std::move(point));
    ++next;
  }
  page.more = static_cast<int64_t>(page.points.size()) > limit;
  if (page.more) page.points.resize(static_cast<size_t>(limit));
  page.next_sequence = page.points.empty() ? from : page.points.back().sequence + 1;
  page.more = page.more || page.next_sequence < end;
  return page;
}

Status SeriesFlusher::plan_request(Plan& plan, SeriesRequest& request) {
  int64_t before = 0;
  if (const auto planned = plan.accepted.find(request.writer); planned != plan.accepted.end()) {
    before = planned->second;
  } else {
    TRY(before, accepted(request.writer));
  }
  request.outcome = before;
  TRY(request.first_new, first_new_line(request.lines, before));
  if (request.first_new == request.lines.size()) return {};
  if (!active_.runs.contains(request.writer.run) && !plan.known.contains(request.writer.run)) {
    TRY(std::vector<MetricSummary> known, known_summaries(request.writer.run));
    plan.known.emplace(request.writer.run, std::move(known));
  }
  std::string payload;
  put_lines_record(payload, request.writer, request.lines, request.first_new);
  if (payload.size() > kRecordBytesMax) {
    return fail(errors::too_large, fmt::format("{} bytes of metric lines in one request", payload.size()),
                "Send fewer lines at a time.");
  }
  put_record(plan.records, payload);
  plan.accepted[request.writer] = request.lines.back().sequence;
  request.outcome = request.lines.back().sequence;
  plan.requests.push_back(&request);
  return {};
}

void SeriesFlusher::commit(Plan& plan) {
  if (plan.requests.empty()) return;
  if (Status written = log_.append(plan.records); !written) {
    log_error("series append failed requests={} error={:?}", plan.requests.size(), written.error().to_string());
    for (SeriesRequest* const request : plan.requests) request->outcome = fail(written.error());
    return;
  }
  for (SeriesRequest* const request : plan.requests) {
    const std::lock_guard lock(state_mutex_);  // per request, so that readers need not wait for the whole batch
    const RunKey& run = request->writer.run;
    if (request->is_removal) {
      active_.remove(run);
      continue;
    }
    auto tail = active_.runs.find(run);
    if (tail == active_.runs.end()) tail = active_.runs.emplace(run, RunTail(std::move(plan.known[run]))).first;
    apply(request->lines, request->first_new, tail->second);
    active_.accepted[request->writer] = request->lines.back().sequence;
  }
}

void SeriesFlusher::flush(const std::vector<SeriesRequest*>& batch) {
  const std::lock_guard flushing(flush_mutex_);
  Plan plan;
  for (SeriesRequest* const request : batch) {
    if (!request->is_removal) {
      if (Status planned = plan_request(plan, *request); !planned) request->outcome = fail(std::move(planned).error());
      continue;
    }
    // What was planned before belongs to the time before the removal.
    commit(plan);
    plan = Plan();
    std::string payload;
    put_removal_record(payload, request->writer.run);
    put_record(plan.records, payload);
    plan.requests.push_back(request);
    commit(plan);
    plan = Plan();
  }
  commit(plan);
}

Status SeriesFlusher::roll_up() {
  const std::lock_guard rolling(rollup_mutex_);
  if (!frozen_) {
    const std::lock_guard flushing(flush_mutex_);
    // Nothing is in memory only: what older segments are left hold nothing, or what the database has.
    if (active_.empty()) return log_.delete_before(log_.current_number());
    TRY(const uint64_t first_segment, log_.rotate());
    const std::lock_guard lock(state_mutex_);
    frozen_ = std::make_shared<const Generation>(std::exchange(active_, Generation()));
    frozen_until_ = first_segment;
  }
  CHECK_OK(sqlite::roll_up(*database_, *frozen_, frozen_until_));
  std::shared_ptr<const Generation> done;
  {
    const std::lock_guard lock(state_mutex_);
    done = std::exchange(frozen_, nullptr);  // freed after the lock
  }
  return log_.delete_before(frozen_until_);
}

Status SeriesFlusher::empty_wal() {
  TRY(const ConnectionPool::Lease db, readers_.take());
  return db->empty_wal();
}

size_t SeriesFlusher::points_in_memory() const {
  const std::shared_lock lock(state_mutex_);
  return active_.points;
}

uint64_t SeriesFlusher::segment_size_bytes() {
  const std::lock_guard flushing(flush_mutex_);
  return log_.current_size_bytes();
}

void SeriesFlusher::close() {
  readers_.close();
  database_.reset();
}

}  // namespace werkbank::store::sqlite
