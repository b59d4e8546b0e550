// Metrics as Microsoft's client in a job sends and reads them: its newer service (metric/v2.0) and, for packages of before 2021,
// the routes of run history.
#include <charconv>
#include <cmath>

#include "api/metric_lines.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/v1_filter.hh"
#include "api/v1_wire.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr size_t kBodyBytesMax = 64 * 1024 * 1024;
constexpr int64_t kPointsAtOnce = 10'000;
constexpr std::string_view kListType = "azureml.v1.list";  // here a scalar with several values

// Python's writer puts these words where JSON has none.
struct Word {
  std::string_view python, json;
};
constexpr Word kSpecialNumbers[] = {
    {"-Infinity", R"({"special":"-inf"})"}, {"Infinity", R"({"special":"inf"})"}, {"NaN", R"({"special":"nan"})"}};

std::string without_special_numbers(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  bool is_in_text = false;
  for (size_t at = 0; at < text.size();) {
    if (!is_in_text) {
      const std::string_view rest = text.substr(at);
      const auto* const word = std::ranges::find_if(kSpecialNumbers, [&](const Word& w) { return rest.starts_with(w.python); });
      if (word != std::end(kSpecialNumbers)) {
        clean += word->json;
        at += word->python.size();
        continue;
      }
    }
    const char c = text[at++];
    clean += c;
    if (c == '"') is_in_text = !is_in_text;
    if (c == '\\' && is_in_text && at < text.size()) clean += text[at++];
  }
  return clean;
}

// The other way round. Inside of a text these words have their quotes escaped, so they are no such text.
std::string with_special_numbers(std::string text) {
  for (const Word& word : kSpecialNumbers) {
    for (size_t at = text.find(word.json); at != std::string::npos; at = text.find(word.json, at))
      text.replace(at, word.json.size(), word.python);
  }
  return text;
}

Task<Result<json::value>> body_of(Call& call) {
  CO_TRY(const std::string text, co_await call.request.body->all(kBodyBytesMax));
  JsonLimits limits;
  limits.size_bytes_max = 2 * kBodyBytesMax;
  co_return parse_json(without_special_numbers(text), limits);
}

net::Response numbers_response(const json::value& document) {
  net::Response response = json_response(document);
  response.body = with_special_numbers(std::move(response.body));
  return response;
}

MetricValue value_of(const json::value& value) {
  if (value.is_null()) return std::monostate();
  if (value.is_bool()) return static_cast<int64_t>(value.get_bool());
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  if (value.is_string()) return std::string(value.get_string());
  const json::object* const special = value.if_object();
  const json::value* const name = special == nullptr || special->size() != 1 ? nullptr : special->if_contains("special");
  if (name != nullptr && *name == "nan") return std::nan("");
  if (name != nullptr && *name == "inf") return HUGE_VAL;
  if (name != nullptr && *name == "-inf") return -HUGE_VAL;
  return json::serialize(value);
}

// One value of a metric as both services send it: when, at which step, and a cell for each column.
struct Row {
  std::string id;
  UtcMs time = 0;
  std::optional<int64_t> step;
  const json::object* cells = nullptr;
};

struct Metric {
  std::string name;
  MetricKind kind = MetricKind::kScalar;
  std::vector<Row> rows;
};

// Rows of one time and step are one line, as long as they have the same columns.
bool belongs(const MetricLine& line, const Row& row, bool is_table) {
  if (line.timestamp_ms != row.time || line.step != row.step) return false;
  if (!is_table) return true;
  return line.columns.size() == row.cells->size() && std::ranges::all_of(line.columns, [&](const MetricLine::Column& column) {
           return row.cells->if_contains(column.name) != nullptr;
         });
}

Status add_lines(const Metric& metric, std::vector<MetricLine>& lines) {
  const bool is_table = metric.kind == MetricKind::kTable;
  const size_t first = lines.size();
  for (const Row& row : metric.rows) {
    if (!is_table && row.cells->size() != 1)
      return fail(errors::invalid_request, fmt::format("metric {:?}: a value has {} columns", metric.name, row.cells->size()));
    if (lines.size() == first || !belongs(lines.back(), row, is_table)) {
      MetricLine& line = lines.emplace_back();
      line.sequence = static_cast<int64_t>(lines.size());
      line.name = metric.name;
      line.kind = metric.kind;
      line.timestamp_ms = row.time;
      line.step = row.step;
      if (!is_table) line.columns.emplace_back();
      for (const auto& [name, value] : *row.cells) {
        if (is_table) line.columns.push_back({std::string(name), {}});
      }
    }
    for (MetricLine::Column& column : lines.back().columns)
      column.values.push_back(value_of(is_table ? row.cells->at(column.name) : row.cells->begin()->value()));
  }
  // The text format's rules are the rules.
  for (size_t i = first; i < lines.size(); ++i) {
    std::string text = format_metric_line(lines[i]);
    text.pop_back();
    const Result<MetricLine> checked = parse_metric_line(text);
    if (!checked) return fail_in(fmt::format("metric {:?}", metric.name), Error(checked.error()));
  }
  return {};
}

Result<MetricKind> kind_of(const std::string& type) {
  if (type.empty() || type == kListType) return MetricKind::kScalar;
  const std::optional<MetricKind> kind = parse_metric_kind(type);
  if (!kind) return fail(errors::invalid_request, fmt::format("{:?} is no type of metric that is known here", type));
  return *kind;
}

// {"name", "columns", "value": [{"metricId", "createdUtc", "step", "data": {…}}], "properties": {"uxMetricType"}}
Result<Metric> metric_of_service(const json::value& value, UtcMs now) {
  JsonReader reader(value, "request.values");
  Metric metric;
  metric.name = reader.required_string("name");
  std::string type;
  if (const json::value* const properties = reader.value("properties"))
    type = JsonReader(*properties, "request.values.properties").string_or("uxMetricType");
  const json::array* const rows = reader.array("value");
  if (rows == nullptr) reader.refuse("value", "is missing");
  CHECK_OK(reader.finish(false));
  TRY(metric.kind, kind_of(type));
  for (const json::value& entry : *rows) {
    JsonReader cell(entry, "request.values.value");
    Row row;
    row.id = cell.string_or("metricId");
    const std::string created = cell.string_or("createdUtc");
    row.step = cell.optional_int("step");
    row.cells = cell.object("data");
    if (row.cells == nullptr) cell.refuse("data", "is missing");
    CHECK_OK(cell.finish(false));
    row.time = parse_utc(created).value_or(now);
    metric.rows.push_back(std::move(row));
  }
  return metric;
}

// {"metricId", "metricType", "createdUtc", "name", "cells": [{…}], …}
Result<Metric> metric_of_history(const json::value& value, UtcMs now) {
  JsonReader reader(value, "request.values");
  Metric metric;
  metric.name = reader.required_string("name");
  const std::string type = reader.string_or("metricType"), id = reader.string_or("metricId");
  const std::string created = reader.string_or("createdUtc");
  const json::array* const cells = reader.array("cells");
  if (cells == nullptr) reader.refuse("cells", "is missing");
  CHECK_OK(reader.finish(false));
  TRY(metric.kind, kind_of(type));
  for (const json::value& cell : *cells) {
    if (!cell.is_object()) return fail(errors::invalid_request, "request.values.cells: an entry is no object");
    metric.rows.push_back({id, parse_utc(created).value_or(now), std::nullopt, &cell.get_object()});
  }
  return metric;
}

// The ids of a batch make its writer: one that is sent again, because its answer was lost, counts once.
Task<Status> append(Api& api, RunKey key, std::vector<Metric> metrics) {
  CO_TRY(const Run run, find_run(api, key));
  std::vector<MetricLine> lines;
  std::string ids;
  for (const Metric& metric : metrics) {
    CO_CHECK_OK(add_lines(metric, lines));
    for (const Row& row : metric.rows) ids += row.id.empty() ? random_uuid() : row.id;
  }
  if (lines.empty()) co_return Status{};
  const size_t count = lines.size();
  store::SeriesWriter from{run.key, 0, 0, "client-v1-" + Hash::of(ids).hex()};
  const Result<int64_t> accepted = co_await api.services.series.append(std::move(from), std::move(lines));
  if (!accepted) co_return fail(accepted.error());
  api.counters.metric_lines.fetch_add(count, std::memory_order_relaxed);
  co_return Status{};
}

using Reading = Result<Metric> (*)(const json::value&, UtcMs);

Task<Result<net::Response>> take_batch(Api& api, Call& call, Reading read_metric, bool is_list) {
  CO_TRY(const json::value body, co_await body_of(call));
  std::vector<Metric> metrics;
  const UtcMs now = api.services.clock.utc_now_ms();
  if (!is_list) {
    CO_TRY(Metric metric, read_metric(body, now));
    metrics.push_back(std::move(metric));
  } else {
    JsonReader reader(body, "request");
    const json::array* const values = reader.array("values");
    if (values == nullptr) reader.refuse("values", "is missing");
    CO_CHECK_OK(reader.finish(false));
    for (const json::value& value : *values) {
      CO_TRY(Metric metric, read_metric(value, now));
      metrics.push_back(std::move(metric));
    }
  }
  CO_CHECK_OK(co_await append(api, call.run(), std::move(metrics)));
  co_return json_response(json::object{{"errors", json::array{}}});
}

Task<Result<net::Response>> post_batch(Api& api, Call& call) {
  co_return co_await take_batch(api, call, metric_of_service, true);
}
Task<Result<net::Response>> post_old_batch(Api& api, Call& call) {
  co_return co_await take_batch(api, call, metric_of_history, true);
}
Task<Result<net::Response>> post_old_metric(Api& api, Call& call) {
  co_return co_await take_batch(api, call, metric_of_history, false);
}

std::string_view column_type(const MetricValue& value) {
  if (std::holds_alternative<int64_t>(value)) return "int";
  if (std::holds_alternative<double>(value)) return "double";
  if (std::holds_alternative<std::string>(value)) return "string";
  return "none";
}

// A metric's columns by the names that the client knows; a scalar's has the metric's.
struct Columns {
  MetricKind kind = MetricKind::kScalar;
  std::vector<std::pair<std::string, MetricSummary>> list;

  json::object types() const {
    json::object types;
    for (const auto& [name, summary] : list) types[name] = column_type(summary.last.value);
    return types;
  }
};

std::vector<std::pair<std::string, Columns>> by_name(std::vector<MetricSummary> summaries) {
  std::vector<std::pair<std::string, Columns>> metrics;
  for (MetricSummary& summary : summaries) {
    auto found = std::ranges::find(metrics, summary.name, &std::pair<std::string, Columns>::first);
    if (found == metrics.end()) found = metrics.insert(metrics.end(), {summary.name, {summary.kind, {}}});
    std::string column = summary.column.empty() ? summary.name : summary.column;
    found->second.list.emplace_back(std::move(column), std::move(summary));
  }
  return metrics;
}

Task<Result<net::Response>> list_metrics(Api& api, Call& call) {
  CO_TRY(const Run run, find_run(api, call.run()));
  CO_TRY(std::vector<MetricSummary> summaries, api.services.series.summaries(run.key));
  json::array items;
  for (const auto& [name, columns] : by_name(std::move(summaries)))
    items.push_back(json::object{{"metricKey", json::object{{"namespace", ""}, {"name", name}}}, {"columns", columns.types()}});
  co_return json_response(v1_page(std::move(items), ""));
}

struct Cells {
  json::array rows;  // {"createdUtc", "step", "cells"}
  bool more = false;
};

// The n-th values of all columns are one row. Blocks.
Result<Cells> read_cells(Api& api, const RunKey& run, const std::string& metric, const Columns& columns, int64_t from) {
  Cells cells;
  for (const auto& [name, summary] : columns.list) {
    TRY(const store::SeriesPage page, api.services.series.points(run, metric, summary.column, from, kPointsAtOnce));
    cells.more = cells.more || page.more;
    for (const MetricPoint& point : page.points) {
      const auto at = static_cast<size_t>(point.sequence - from);
      while (cells.rows.size() <= at) cells.rows.push_back(json::object{{"cells", json::object{}}});
      json::object& row = cells.rows[at].as_object();
      row["createdUtc"] = format_utc(point.timestamp_ms);
      if (point.has_step) row["step"] = point.step;
      json::value value = to_json(point.value);
      const bool is_artifact = columns.kind != MetricKind::kScalar && columns.kind != MetricKind::kTable;
      if (is_artifact && value.is_string())
        value =
            fmt::format("aml://artifactId/ExperimentRun/{}/{}", v1_container(run.run_id), std::string_view(value.get_string()));
      row["cells"].as_object()[name] = std::move(value);
    }
  }
  return cells;
}

Result<int64_t> place_of(const std::string& token) {
  int64_t from = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), from);
  if (!token.empty() && (error != std::errc() || end != token.data() + token.size() || from < 0))
    return fail(errors::invalid_request, fmt::format("the continuationToken {:?} is not one of this server's", token));
  return from;
}

Task<Result<net::Response>> get_metric(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string name = reader.required_string("metricName"), token = reader.string_or("continuationToken");
  CO_CHECK_OK(reader.finish(false));
  CO_TRY(const int64_t from, place_of(token));
  CO_TRY(const Run run, find_run(api, call.run()));
  CO_TRY(std::vector<MetricSummary> summaries, api.services.series.summaries(run.key));
  std::erase_if(summaries, [&name](const MetricSummary& summary) { return summary.name != name; });
  Columns columns;
  if (!summaries.empty()) columns = std::move(by_name(std::move(summaries)).front().second);
  const auto load = [&] { return read_cells(api, run.key, name, columns, from); };
  CO_TRY(const Cells cells, co_await api.services.pool.run(load));
  json::array values;
  for (const json::value& row : cells.rows) {
    json::object value = row.as_object();
    value["data"] = value.at("cells");
    value.erase("cells");
    value["metricId"] = fmt::format("{}/{}", name, from + static_cast<int64_t>(values.size()));
    values.push_back(std::move(value));
  }
  json::object document{{"dataContainerId", v1_container(run.key.run_id)},
                        {"name", name},
                        {"columns", columns.types()},
                        {"value", std::move(values)},
                        {"continuationToken", nullptr},
                        {"properties", json::object{{"uxMetricType", to_string(columns.kind)}}}};
  if (cells.more) document["continuationToken"] = std::to_string(from + kPointsAtOnce);
  co_return numbers_response(document);
}

// The filter of older clients: "RunId eq a or RunId eq b", or "(RunId eq a and name eq loss)".
std::vector<std::string> runs_in(std::string_view filter) {
  constexpr std::string_view kMark = "RunId eq ";
  std::vector<std::string> ids;
  for (size_t at = filter.find(kMark); at != std::string_view::npos; at = filter.find(kMark, at)) {
    at += kMark.size();
    const size_t end = std::min(filter.find_first_of(" )", at), filter.size());
    ids.emplace_back(filter.substr(at, end - at));
  }
  return ids;
}

std::string metric_in(std::string_view filter) {
  constexpr std::string_view kMark = " name eq ";
  const size_t at = filter.find(kMark);
  if (at == std::string_view::npos) return {};
  filter.remove_prefix(at + kMark.size());
  return std::string(filter.substr(0, std::min(filter.find(" and "), filter.rfind(')'))));
}

json::array old_metrics(const RunKey& run, const std::string& name, const Columns& columns, const Cells& cells) {
  json::array properties;
  for (const auto& [column, type] : columns.types())
    properties.push_back(json::object{{"propertyId", column}, {"name", column}, {"type", type}});
  json::array metrics;
  for (const json::value& row : cells.rows) {
    metrics.push_back(json::object{{"runId", run.run_id},
                                   {"metricId", fmt::format("{}/{}", name, metrics.size())},
                                   {"metricType", to_string(columns.kind)},
                                   {"createdUtc", row.at("createdUtc")},
                                   {"name", name},
                                   {"numCells", columns.list.size()},
                                   {"cells", json::array{row.at("cells")}},
                                   {"schema", json::object{{"numProperties", properties.size()}, {"properties", properties}}}});
  }
  return metrics;
}

Result<json::array> all_old_metrics(Api& api, const RunKey& key, const std::string& wanted) {
  TRY(const Run run, find_run(api, key));
  TRY(std::vector<MetricSummary> summaries, api.services.series.summaries(run.key));
  json::array items;
  for (const auto& [name, columns] : by_name(std::move(summaries))) {
    bool more = wanted.empty() || name == wanted;
    for (int64_t from = 0; more; from += kPointsAtOnce) {
      TRY(const Cells cells, read_cells(api, run.key, name, columns, from));
      for (json::value& metric : old_metrics(run.key, name, columns, cells)) items.push_back(std::move(metric));
      more = cells.more;
    }
  }
  return items;
}

Task<Result<net::Response>> query_old_metrics(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string filter = reader.string_or("filter");
  CO_CHECK_OK(reader.finish(false));
  const std::vector<std::string> ids = runs_in(filter);
  if (ids.empty())
    co_return fail(errors::invalid_request, "request.filter: names no run", "A filter is: RunId eq ID or RunId eq ID.");
  const std::string wanted = metric_in(filter);
  json::array items;
  for (const std::string& id : ids) {
    const auto load = [&] { return all_old_metrics(api, RunKey{call.workspace(), id}, wanted); };
    CO_TRY(json::array found, co_await api.services.pool.run(load));
    for (json::value& metric : found) items.push_back(std::move(metric));
  }
  co_return numbers_response(v1_page(std::move(items), ""));
}

#define METRICS "/metric/v2.0" V1_WORKSPACE "/runs/{run}"
#define HISTORY "/history/v1.0" V1_WORKSPACE "/experiments/*"
constexpr Route kRoutes[] = {
    route<Permission::kWrite>(Method::kPost, METRICS "/batch", post_batch,
                              {"v1: log metrics", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kPost, METRICS "/list", list_metrics,
                             {"v1: the names of a run's metrics", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kPost, METRICS "/full", get_metric,
                             {"v1: all values of a metric", "", "application/json", "application/json"}),
    route<Permission::kWrite>(Method::kPost, HISTORY "/runs/{run}/batch/metrics", post_old_batch,
                              {"v1: log metrics, before 2021", "", "application/json", "application/json"}),
    route<Permission::kWrite>(Method::kPost, HISTORY "/runs/{run}/metrics", post_old_metric,
                              {"v1: log a metric, before 2021", "", "application/json", "application/json"}),
    route<Permission::kRead>(Method::kPost, HISTORY "/metrics:query", query_old_metrics,
                             {"v1: the metrics of runs, before 2021", "", "application/json", "application/json"}),
};
#undef METRICS
#undef HISTORY

}  // namespace

std::span<const Route> v1_metric_routes() { return kRoutes; }

}  // namespace werkbank::api
