#include "client/stream_follow.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <tuple>

#include "base/clock.hh"
#include "domain/run_state.hh"

namespace werkbank::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{2'000};

class Follower {
 public:
  Follower(Session& session, const FollowOptions& options, const FollowListener& listener)
      : session_(session), options_(options), listener_(listener) {}

  Result<std::string> follow() {
    milliseconds pause = kFirstPause;
    milliseconds last_sign = system_clock().monotonic_now();
    bool told = false;
    while (true) {
      heard_ = false;
      const auto response = listen();
      if (terminal_) return *terminal_;
      if (response && response->status >= 400 && response->status != 503) return fail(net::error_from_response(*response));
      if (!response && response.error().kind() != ErrorKind::kUnavailable) return fail(response.error());
      if (heard_) {
        last_sign = system_clock().monotonic_now();
        pause = kFirstPause;
        told = false;
      }
      if (system_clock().monotonic_now() - last_sign > options_.patience) return fail(gone(response));
      if (!told) notice("the server is away; waiting for it, the run goes on");
      told = true;
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

 private:
  Result<net::ClientResponse> listen() {
    net::ClientRequest request{.method = net::Method::kGet, .target = target(), .headers = {{"Accept", "text/event-stream"}}};
    if (!cursor_.empty()) request.headers.emplace_back("Last-Event-ID", cursor_);
    net::SseParser parser;
    const auto sink = [&](std::string_view bytes) {
      parser.feed(bytes, [this](const net::ServerSentEvent& event) {
        if (!terminal_) take(event);
      });
      return !terminal_.has_value();
    };
    return session_.stream(request, sink, options_.silence_max);
  }

  std::string target() const {
    const std::string run = net::encode_segment(options_.run);
    std::string text = fmt::format("/api/v1/workspaces/{}/events?events=run:{}", net::encode_segment(options_.workspace), run);
    for (const std::string& log : options_.logs)
      text += fmt::format("&log={}:{}", run, log == "*" ? log : net::encode_segment(log));
    // A stream without a cursor begins with the run's present status: its end is seen also where it came before.
    return text;
  }

  void take(const net::ServerSentEvent& event) {
    heard_ = true;
    if (event.event == "log") {
      take_log(event.data);
    } else if (event.event == "run.status") {
      take_status(event.data);
    }
    // After the event is dealt with: a cursor stands for what the caller has seen.
    if (!event.id.empty()) cursor_ = event.id;
  }

  void take_log(const std::string& data) {
    const auto document = parse_json(data, {.size_bytes_max = size_t{1} << 30});
    if (!document) return notice("a log event could not be read: " + document.error().message);
    JsonReader reader(*document, "log");
    LogPiece piece;
    piece.run = reader.string_or("run");
    piece.path = reader.required_string("path");
    piece.attempt = reader.int_or("attempt", 1, 0, INT64_MAX);
    piece.rank = reader.int_or("rank", 0, 0, INT64_MAX);
    piece.offset = static_cast<uint64_t>(reader.int_or("offset", 0, 0, INT64_MAX));
    piece.text = reader.string_or("text");
    piece.size_bytes = static_cast<uint64_t>(reader.int_or("size", static_cast<int64_t>(piece.text.size()), 0, INT64_MAX));
    if (const Status read = reader.finish(false); !read) return notice("a log event could not be read: " + read.error().message);
    uint64_t& seen = seen_[{piece.path, piece.attempt, piece.rank}];
    if (piece.size_bytes > 0 && piece.offset + piece.size_bytes <= seen) return;
    seen = piece.offset + piece.size_bytes;
    if (listener_.on_log) listener_.on_log(piece);
  }

  void take_status(const std::string& data) {
    const auto document = parse_json(data);
    if (!document || !document->is_object()) return notice("a status event could not be read");
    JsonReader reader(*document, "event");
    const std::string run = reader.string_or("runId", options_.run);
    if (run != options_.run) return;
    const json::object* const change = reader.object("data");
    const json::value* const word = change == nullptr ? nullptr : change->if_contains("status");
    if (word == nullptr || !word->is_string()) return notice("a status event names no status");
    const std::string status(word->as_string());
    if (listener_.on_status) listener_.on_status(status, document->as_object());
    const auto known = parse_run_status(status);
    if (known && is_terminal(*known)) terminal_ = status;
  }

  Error gone(const Result<net::ClientResponse>& response) const {
    Error error =
        response ? Error{&errors::server_unreachable, "the event stream ends again and again", {}, {}} : response.error();
    error.code = &errors::server_unreachable;
    error.hint = fmt::format("The run goes on where its runner can. Come back with: werkbank run logs {} --follow", options_.run);
    return error;
  }

  void notice(const std::string& text) const {
    if (listener_.on_notice) listener_.on_notice(text);
  }

  Session& session_;
  const FollowOptions& options_;
  const FollowListener& listener_;
  std::string cursor_;
  bool heard_ = false;
  std::optional<std::string> terminal_;
  std::map<std::tuple<std::string, int64_t, int64_t>, uint64_t> seen_;
};

}  // namespace

Result<std::string> follow_run(Session& session, const FollowOptions& options, const FollowListener& listener) {
  Follower follower(session, options, listener);
  return follower.follow();
}

}  // namespace werkbank::client
