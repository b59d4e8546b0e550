#include <cmath>

#include "api/metric_lines.hh"
#include "api/metrics_answer.hh"
#include "api/reading.hh"
#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr size_t kBodyBytesMax = 64 * 1024 * 1024;
constexpr int64_t kValuesInOnePiece = 2'000;  // an answer up to here has a length and no chunks

Task<Result<net::Response>> post_metrics(Api& api, Call& call) {
  const std::string writer = query_text(call.request, "writer");
  if (writer.empty() || writer.size() > 128)
    co_return fail(errors::invalid_request, "query parameter writer (1 to 128 bytes) is missing");
  const RunKey key = call.run();
  CO_TRY(const Run run, find_run(api, key));
  CO_TRY(std::vector<MetricLine> lines, co_await metric_lines_body(call));
  const size_t count = lines.size();
  store::SeriesWriter from{run.key, 0, 0, "client-" + writer};
  CO_TRY(const int64_t accepted, co_await api.services.series.append(std::move(from), std::move(lines)));
  api.counters.metric_lines.fetch_add(count, std::memory_order_relaxed);
  co_return json_response(json::object{{"accepted", accepted}});
}

Task<Status> write_answer(Api& api, std::shared_ptr<MetricsAnswer> answer, net::BodyWriter& writer) {
  while (true) {
    const auto make = [&answer] { return answer->next_piece(); };
    CO_TRY(std::string piece, co_await api.services.pool.run(make));
    if (piece.empty()) co_return Status{};
    CO_CHECK_OK(co_await writer.write(std::move(piece)));
  }
}

Task<Result<net::Response>> get_metrics(Api& api, Call& call) {
  const RunKey key = call.run();
  MetricsRequest wanted;
  wanted.name = call.request.query_value("name");
  wanted.with_values = query_flag(call.request, "values", true);
  wanted.cursor = query_text(call.request, "cursor");
  CO_TRY(wanted.limit, query_int(call.request, "limit", 0, 1, 1'000'000));
  const auto open = [&] { return MetricsAnswer::open(api, key, wanted); };
  CO_TRY(MetricsAnswer opened, co_await api.services.pool.run(open));
  // Shared: the stream outlives this handler; the response's function is its only owner.
  auto answer = std::make_shared<MetricsAnswer>(std::move(opened));
  net::Response response;
  response.headers.emplace_back("Content-Type", "application/json");
  if (answer->values() <= kValuesInOnePiece) {
    for (bool more = true; more;) {
      CO_TRY(const std::string piece, answer->next_piece());
      response.body += piece;
      more = !piece.empty();
    }
    co_return response;
  }
  response.stream = [&api, answer](net::BodyWriter& writer) { return write_answer(api, answer, writer); };
  co_return response;
}

Task<Result<net::Response>> get_points(Api& api, Call& call) {
  const RunKey key = call.run();
  const std::string name = query_text(call.request, "name");
  const std::string column = query_text(call.request, "column");
  CO_TRY(const int64_t from, query_int(call.request, "from", 0, 0, INT64_MAX));
  CO_TRY(const int64_t limit, query_int(call.request, "limit", 1000, 1, 100'000));
  CO_TRY(const Run run, find_run(api, key));
  const auto make = [&]() -> Result<json::object> {
    TRY(const store::SeriesPage page, api.services.series.points(run.key, name, column, from, limit));
    json::array points;
    for (const MetricPoint& point : page.points) {
      points.push_back(json::object{{"sequence", point.sequence},
                                    {"timestampUtc", format_utc(point.timestamp_ms)},
                                    {"step", point.has_step ? json::value(point.step) : json::value(nullptr)},
                                    {"value", to_json(point.value)}});
    }
    return json::object{{"points", std::move(points)}, {"next", page.next_sequence}, {"more", page.more}};
  };
  CO_TRY(json::object document, co_await api.services.pool.run(make));
  co_return json_response(std::move(document));
}

// The server's half of Run.flush(): answers once the writer's lines up to `sequence` are durable here.
Task<Result<net::Response>> wait_accepted(Api& api, Call& call) {
  CO_TRY(const int64_t wait_s, query_int(call.request, "wait", 0, 0, 60));
  CO_TRY(const int64_t sequence, query_int(call.request, "sequence", 0, 0, INT64_MAX));
  CO_TRY(const int64_t attempt, query_int(call.request, "attempt", 0, 0, INT64_MAX));
  CO_TRY(const int64_t rank, query_int(call.request, "rank", 0, 0, INT64_MAX));
  const std::string writer = query_text(call.request, "writer");
  const store::SeriesWriter from{call.run(), attempt, rank, attempt == 0 ? "client-" + writer : writer};
  CO_TRY(const Run known, find_run(api, from.run));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
  const EventHub::ListenerPointer listener = api.hub.listen({Topic::points_of_run(call.run())});
  while (true) {
    const uint64_t seen = api.hub.position(listener);
    CO_TRY(const int64_t accepted, api.services.series.accepted(from));
    const auto now = std::chrono::steady_clock::now();
    bool goes_on = accepted < sequence && now < deadline;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    if (goes_on) goes_on = co_await api.hub.wait(listener, seen, left);
    if (!goes_on) co_return json_response(json::object{{"accepted", accepted}});
  }
}

#define METRICS "/api/v1/workspaces/{workspace}/runs/{run}/metrics"
constexpr Route kRoutes[] = {
    route<Permission::kWrite>(
        Method::kPost, METRICS, post_metrics,
        {"Append metric lines; acknowledged when durable", "writer:string", "application/x-ndjson", "Accepted"}),
    route<Permission::kRead>(Method::kGet, METRICS, get_metrics,
                             {"All metrics of a run", "name:string,values:boolean,limit:integer,cursor:string", "", "Metrics"}),
    route<Permission::kRead>(Method::kGet, METRICS "/points", get_points,
                             {"Points of one series", "name:string,column:string,from:integer,limit:integer", "", "Points"}),
    route<Permission::kRead>(Method::kGet, METRICS "/accepted", wait_accepted,
                             {"Wait until a writer's lines are durable",
                              "writer:string,attempt:integer,rank:integer,sequence:integer,wait:integer", "", "Accepted"}),
};
#undef METRICS

}  // namespace

json::value to_json(const MetricValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* text = std::get_if<std::string>(&value)) return json::value(*text);
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isnan(*number)) return json::object{{"special", "nan"}};
    if (std::isinf(*number)) return json::object{{"special", *number > 0 ? "inf" : "-inf"}};
    return *number;
  }
  return nullptr;
}

Task<Result<std::vector<MetricLine>>> metric_lines_body(Call& call) {
  CO_TRY(const std::string text, co_await call.request.body->all(kBodyBytesMax));
  std::vector<MetricLine> lines;
  size_t start = 0;
  for (size_t number = 1; start < text.size(); ++number) {
    const size_t end = text.find('\n', start);
    if (end == std::string::npos) break;  // torn: never acknowledged to its writer
    const std::string_view line(text.data() + start, end - start);
    start = end + 1;
    if (line.empty() || line.starts_with("{\"werkbank-spool\"")) continue;
    Result<MetricLine> parsed = parse_metric_line(line);
    if (!parsed) co_return fail_in(fmt::format("line {}", number), std::move(parsed).error());
    lines.push_back(std::move(*parsed));
  }
  co_return lines;
}

std::span<const Route> run_metric_routes() { return kRoutes; }

}  // namespace werkbank::api
