#include "api/live_stream.hh"

#include "api/reading.hh"

namespace werkbank::api {
namespace {

constexpr uint64_t kLogPieceBytes = 64 * 1024;
constexpr int64_t kEventsAtOnce = 500;
constexpr std::chrono::seconds kKeepAlive{15};

std::string log_position_key(const content::LogKey& key) {
  return fmt::format("{}\n{}\n{}\n{}", key.run.run_id, key.path, key.attempt, key.rank);
}

bool is_terminal_event(const RunEvent& event) {
  if (event.type != "run.status") return false;
  const json::value* const status = event.data.if_contains("status");
  if (status == nullptr || !status->is_string()) return false;
  const std::optional<RunStatus> parsed = parse_run_status(std::string_view(status->get_string()));
  return parsed && is_terminal(*parsed);
}

// The length of the UTF-8 sequence that a byte begins; 0 where it begins none.
size_t sequence_length(unsigned char byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  if (byte >= 0xF0 && byte < 0xF5) return 4;
  return 0;
}

bool is_sequence(std::string_view bytes) { return is_valid_utf8(bytes); }

RunEvent current_status(const Run& run, UtcMs now) {
  RunEvent event;
  event.workspace = run.key.workspace;
  event.run_id = run.key.run_id;
  event.experiment = run.experiment;
  event.type = "run.status";
  event.at_ms = now;
  event.data = {{"status", to_string(run.status)}, {"attempt", run.attempt}};
  if (run.status == RunStatus::kFailed || run.status == RunStatus::kCanceled) event.data["error"] = to_json(run.end);
  return event;
}

}  // namespace

TextPiece text_piece(std::string_view bytes, bool is_last) {
  TextPiece piece;
  piece.text.reserve(bytes.size());
  size_t position = 0;
  while (position < bytes.size()) {
    const size_t length = sequence_length(static_cast<unsigned char>(bytes[position]));
    if (length == 1) {
      piece.text += bytes[position++];
      continue;
    }
    if (length != 0 && position + length <= bytes.size() && is_sequence(bytes.substr(position, length))) {
      piece.text += bytes.substr(position, length);
      position += length;
      continue;
    }
    if (length != 0 && position + length > bytes.size() && !is_last) break;  // the rest of it may still come
    piece.text += "\xEF\xBF\xBD";
    ++position;
  }
  piece.size_bytes = position;
  return piece;
}

bool Subscriptions::wants(const RunEvent& event) const {
  if (all_events) return true;
  if (!event.run_id.empty() && event_runs.contains(event.run_id)) return true;
  return !event.experiment.empty() && event_experiments.contains(event.experiment);
}

Result<Subscriptions> parse_subscriptions(const net::Request& request, const std::string& workspace) {
  Subscriptions found;
  found.workspace = workspace;
  for (const auto& [name, value] : request.query) {
    if (name == "events") {
      if (value == "*")
        found.all_events = true;
      else if (value.starts_with("run:"))
        found.event_runs.insert(value.substr(4));
      else if (value.starts_with("experiment:"))
        found.event_experiments.insert(value.substr(11));
      else
        return fail(errors::invalid_request, fmt::format("events={:?} is not *, run:<id> or experiment:<name>", value));
    } else if (name == "log") {
      // A run id may hold colons, a path of ours does not begin with one: the last colon divides.
      const size_t colon = value.rfind(':');
      if (colon == std::string::npos)
        return fail(errors::invalid_request, fmt::format("log={:?} is not <run>:<path> or <run>:*", value));
      found.logs[value.substr(0, colon)].insert(value.substr(colon + 1));
    } else if (name == "metrics") {
      found.metrics.insert(value);
    }
  }
  if (!found.has_events() && found.logs.empty() && found.metrics.empty()) {
    return fail(errors::invalid_request, "nothing is subscribed: name events=, log= or metrics=");
  }
  return found;
}

std::string StreamPosition::to_text() const {
  json::object offsets;
  for (const auto& [key, offset] : log_offsets) offsets[key] = offset;
  return base64url_encode(json::serialize(json::object{{"e", event_cursor}, {"l", std::move(offsets)}}));
}

Result<StreamPosition> StreamPosition::parse(std::string_view text) {
  const auto refuse = [] {
    return fail(errors::invalid_request, "the stream's cursor is not one of this server's", "Open the stream without a cursor.");
  };
  const Result<std::string> decoded = base64url_decode(text);
  if (!decoded) return refuse();
  const Result<json::value> document = parse_json(*decoded);
  if (!document) return refuse();
  JsonReader reader(*document, "cursor");
  StreamPosition position;
  position.event_cursor = reader.int_or("e", -1, -1, INT64_MAX);
  if (const json::object* const offsets = reader.object("l")) {
    for (const auto& [key, offset] : *offsets) {
      boost::system::error_code error;
      position.log_offsets[std::string(key)] = offset.to_number<uint64_t>(error);
      if (error) return refuse();
    }
  }
  if (!reader.finish()) return refuse();
  return position;
}

Task<Status> LiveStream::send(net::BodyWriter& writer, std::string type, json::object data) {
  std::string text = fmt::format("id: {}\nevent: {}\ndata: {}\n\n", position_.to_text(), type, json::serialize(data));
  co_return co_await writer.write(std::move(text));
}

Task<Result<bool>> LiveStream::send_log(net::BodyWriter& writer, content::LogInfo log, bool is_last) {
  const std::string key = log_position_key(log.key);
  bool sent = false;
  while (true) {
    uint64_t& offset = position_.log_offsets[key];
    if (offset >= log.size_bytes) co_return sent;
    const auto load = [this, &log, from = offset] { return api_.services.logs.read(log.key, from, kLogPieceBytes); };
    CO_TRY(const std::string bytes, co_await api_.services.pool.run(load));
    const bool reaches_end = offset + bytes.size() >= log.size_bytes;
    TextPiece piece = text_piece(bytes, is_last && reaches_end);
    if (piece.size_bytes == 0) co_return sent;
    json::object data{{"run", log.key.run.run_id},    {"path", log.key.path}, {"attempt", log.key.attempt},
                      {"rank", log.key.rank},         {"offset", offset},     {"size", piece.size_bytes},
                      {"text", std::move(piece.text)}};
    offset += piece.size_bytes;
    CO_CHECK_OK(co_await send(writer, "log", std::move(data)));
    sent = true;
  }
}

Task<Result<bool>> LiveStream::send_logs(net::BodyWriter& writer, std::string run, bool is_last) {
  const auto wanted = subscriptions_.logs.find(run);
  if (wanted == subscriptions_.logs.end()) co_return false;
  const auto look = [this, &run] { return api_.services.logs.list({subscriptions_.workspace, run}); };
  CO_TRY(const std::vector<content::LogInfo> logs, co_await api_.services.pool.run(look));
  bool sent = false;
  for (const content::LogInfo& log : logs) {
    if (!wanted->second.contains("*") && !wanted->second.contains(log.key.path)) continue;
    CO_TRY(const bool some, co_await send_log(writer, log, is_last));
    sent = sent || some;
  }
  co_return sent;
}

Task<Result<bool>> LiveStream::send_events(net::BodyWriter& writer) {
  if (!subscriptions_.has_events()) co_return false;
  const auto look = [this] {
    return read<std::vector<RunEvent>>(api_, [this](store::Reader& reader) {
      return reader.events_after(position_.event_cursor, subscriptions_.workspace, kEventsAtOnce);
    });
  };
  CO_TRY(const std::vector<RunEvent> events, co_await api_.services.pool.run(look));
  for (const RunEvent& event : events) {
    if (subscriptions_.wants(event)) {
      if (is_terminal_event(event)) {
        CO_TRY([[maybe_unused]] const bool drained, co_await send_logs(writer, event.run_id, true));
      }
      position_.event_cursor = event.cursor;
      CO_CHECK_OK(co_await send(writer, event.type, to_json(event)));
    }
    position_.event_cursor = event.cursor;
  }
  co_return !events.empty();
}

Task<Result<bool>> LiveStream::send_metric_hints(net::BodyWriter& writer) {
  bool sent = false;
  for (const std::string& run : subscriptions_.metrics) {
    const auto look = [this, &run] { return api_.services.series.summaries({subscriptions_.workspace, run}); };
    CO_TRY(const std::vector<MetricSummary> summaries, co_await api_.services.pool.run(look));
    int64_t count = 0;
    for (const MetricSummary& summary : summaries) count += summary.count;
    int64_t& seen = points_seen_[run];
    if (count == seen) continue;
    seen = count;
    CO_CHECK_OK(co_await send(writer, "metrics", {{"run", run}, {"points", count}}));
    sent = true;
  }
  co_return sent;
}

// A new stream first tells where the named runs are, then goes on from there: nothing falls between a look and a watch.
Task<Status> LiveStream::begin(net::BodyWriter& writer) {
  if (position_.event_cursor >= 0) co_return Status{};
  if (from_start_) {
    position_.event_cursor = 0;
    co_return Status{};
  }
  std::vector<Run> runs;
  CO_CHECK_OK(api_.services.store.read([&](store::Reader& reader) -> Status {
    TRY(position_.event_cursor, reader.last_event_cursor());
    for (const std::string& id : subscriptions_.event_runs) {
      TRY(auto run, reader.run({subscriptions_.workspace, id}));
      if (run) runs.push_back(std::move(*run));
    }
    return {};
  }));
  for (const Run& run : runs) {
    const RunEvent event = current_status(run, api_.services.clock.utc_now_ms());
    CO_TRY([[maybe_unused]] const bool drained, co_await send_logs(writer, run.key.run_id, is_terminal(run.status)));
    CO_CHECK_OK(co_await send(writer, event.type, to_json(event)));
  }
  co_return Status{};
}

std::vector<Topic> LiveStream::topics() const {
  const std::string& workspace = subscriptions_.workspace;
  std::vector<Topic> topics;
  if (subscriptions_.all_events) topics.push_back(Topic::events_of_workspace(workspace));
  for (const std::string& run : subscriptions_.event_runs) topics.push_back(Topic::events_of_run({workspace, run}));
  for (const std::string& name : subscriptions_.event_experiments) topics.push_back(Topic::events_of_experiment(workspace, name));
  for (const auto& [run, paths] : subscriptions_.logs) topics.push_back(Topic::logs_of_run({workspace, run}));
  for (const std::string& run : subscriptions_.metrics) topics.push_back(Topic::points_of_run({workspace, run}));
  return topics;
}

// Everything that blocks is done on the pool: a write to the client leaves the coroutine on the connection's thread.
Task<Status> LiveStream::run(net::BodyWriter& writer) {
  const EventHub::ListenerPointer listener = api_.hub.listen(topics());
  CO_CHECK_OK(co_await writer.write(": werkbank live stream\n\n"));
  CO_CHECK_OK(co_await begin(writer));
  while (!writer.is_closed()) {
    const uint64_t seen = api_.hub.position(listener);
    CO_TRY(bool progressed, co_await send_events(writer));
    for (const auto& [run, paths] : subscriptions_.logs) {
      CO_TRY(const bool some, co_await send_logs(writer, run, !follow_));
      progressed = progressed || some;
    }
    CO_TRY(const bool hinted, co_await send_metric_hints(writer));
    if (progressed || hinted) continue;
    if (!follow_) co_return Status{};
    while (api_.hub.position(listener) == seen && !writer.is_closed()) {
      const bool goes_on = co_await api_.hub.wait(listener, seen, kKeepAlive);
      if (!goes_on) co_return Status{};
      // None of the events up to here concerned this stream, or it would have been notified: they need not be read.
      const int64_t passed = api_.hub.last_event();
      if (api_.hub.position(listener) != seen) break;
      position_.event_cursor = std::max(position_.event_cursor, passed);
      CO_CHECK_OK(co_await writer.write(": still here\n\n"));
    }
  }
  co_return Status{};
}

}  // namespace werkbank::api
