#include "api/metrics_answer.hh"

#include "api/metric_lines.hh"
#include "api/reading.hh"

namespace werkbank::api {
namespace {

constexpr int64_t kValuesAtOnce = 8'000;
constexpr size_t kPieceBytes = 128 * 1024;

struct Place {
  std::string metric, column;
  int64_t sequence = 0;
};

std::string cursor_text(const Place& place) {
  return base64url_encode(json::serialize(json::object{{"m", place.metric}, {"c", place.column}, {"s", place.sequence}}));
}

Result<Place> parse_cursor(const std::string& text) {
  const Result<std::string> decoded = base64url_decode(text);
  const Result<json::value> document = decoded ? parse_json(*decoded) : Result<json::value>(fail(decoded.error()));
  if (document) {
    JsonReader reader(*document, "cursor");
    Place place{reader.required_string("m"), reader.required_string("c"), reader.int_or("s", 0, 0, INT64_MAX)};
    if (reader.finish()) return place;
  }
  return fail(errors::invalid_request, fmt::format("the cursor {:?} is not one of this server's", text),
              "Begin without a cursor.");
}

std::string json_text(std::string_view text) { return json::serialize(json::string(text)); }

json::object summary_json(const MetricSummary& summary) {
  return {{"name", summary.column},
          {"count", summary.count},
          {"last", to_json(summary.last.value)},
          {"lastStep", summary.last.has_step ? json::value(summary.last.step) : json::value(nullptr)},
          {"lastTimestampUtc", format_utc(summary.last.timestamp_ms)},
          {"minimum", summary.minimum ? to_json(MetricValue(*summary.minimum)) : json::value(nullptr)},
          {"maximum", summary.maximum ? to_json(MetricValue(*summary.maximum)) : json::value(nullptr)}};
}

}  // namespace

Result<MetricsAnswer> MetricsAnswer::open(Api& api, const RunKey& key, const MetricsRequest& request) {
  TRY([[maybe_unused]] const Run run, find_run(api, key));
  TRY(std::vector<MetricSummary> summaries, api.services.series.summaries(key));
  MetricsAnswer answer(api, key, request.with_values);
  CHECK_OK(answer.choose(std::move(summaries), request));
  return answer;
}

Status MetricsAnswer::choose(std::vector<MetricSummary> summaries, const MetricsRequest& request) {
  std::optional<Place> start;
  if (!request.cursor.empty()) {
    TRY(start, parse_cursor(request.cursor));
  }
  for (MetricSummary& summary : summaries) {
    if (request.name && summary.name != *request.name) continue;
    Column column{std::move(summary), 0, 0};
    if (start) {
      if (column.summary.name != start->metric || column.summary.column != start->column) continue;
      column.from = std::min(start->sequence, column.summary.count);
      start.reset();
    }
    const bool is_full = request.limit > 0 && values_ >= request.limit;
    if (is_full) {
      next_ = cursor_text({column.summary.name, column.summary.column, 0});
      return {};
    }
    // Up to the count that the document tells, although there may be more by now.
    column.to = with_values_ ? column.summary.count : column.from;
    if (request.limit > 0 && column.to - column.from > request.limit - values_) {
      column.to = column.from + request.limit - values_;
      next_ = cursor_text({column.summary.name, column.summary.column, column.to});
    }
    values_ += column.to - column.from;
    columns_.push_back(std::move(column));
    if (!next_.empty()) return {};
  }
  return {};
}

void MetricsAnswer::begin_column(std::string& text) {
  const Column& column = columns_[at_];
  const bool is_first = at_ == 0;
  if (is_first || columns_[at_ - 1].summary.name != column.summary.name) {
    if (!is_first) text += "]},";
    text += fmt::format(R"({{"name":{},"kind":{},"columns":[)", json_text(column.summary.name),
                        json_text(to_string(column.summary.kind)));
  } else {
    text += ',';
  }
  std::string head = json::serialize(summary_json(column.summary));
  head.pop_back();  // its brace: more follows
  text += head;
  if (with_values_) text += fmt::format(R"(,"from":{},"values":[)", column.from);
  sequence_ = column.from;
  is_in_column_ = true;
}

Status MetricsAnswer::add_values(std::string& text) {
  const Column& column = columns_[at_];
  const int64_t limit = std::min(kValuesAtOnce, column.to - sequence_);
  TRY(const store::SeriesPage page,
      api_->services.series.points(key_, column.summary.name, column.summary.column, sequence_, limit));
  if (page.points.empty()) return fail(errors::run_not_found, fmt::format("the run {:?} was deleted meanwhile", key_.run_id));
  for (const MetricPoint& point : page.points) {
    if (sequence_++ != column.from) text += ',';
    text += json::serialize(to_json(point.value));
  }
  return {};
}

Result<std::string> MetricsAnswer::next_piece() {
  std::string text;
  if (is_ended_) return text;
  if (at_ == 0 && !is_in_column_) text = R"({"metrics":[)";
  while (at_ < columns_.size() && text.size() < kPieceBytes) {
    if (!is_in_column_) begin_column(text);
    if (sequence_ < columns_[at_].to) {
      CHECK_OK(add_values(text));
      continue;
    }
    text += with_values_ ? "]}" : "}";
    is_in_column_ = false;
    ++at_;
  }
  if (at_ < columns_.size()) return text;
  if (!columns_.empty()) text += "]}";
  text += fmt::format(R"(],"next":{}}})", json_text(next_));
  is_ended_ = true;
  return text;
}

}  // namespace werkbank::api
