// One client's live stream: its subscriptions, how far it has come, and the loop that carries events, logs and hints of new
// points.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/api.hh"
#include "net/http.hh"

namespace werkbank::api {

// What ?events= ?log= ?metrics= asked for.
struct Subscriptions {
  std::string workspace;
  bool all_events = false;
  std::set<std::string> event_runs;
  std::set<std::string> event_experiments;
  std::map<std::string, std::set<std::string>> logs;  // run → paths; "*": all
  std::set<std::string> metrics;                      // runs

  bool has_events() const { return all_events || !event_runs.empty() || !event_experiments.empty(); }
  bool wants(const RunEvent& event) const;
};
Result<Subscriptions> parse_subscriptions(const net::Request& request, const std::string& workspace);

// How far a stream has come; travels as the opaque `id:` of every event.
struct StreamPosition {
  int64_t event_cursor = -1;                    // -1: a new stream
  std::map<std::string, uint64_t> log_offsets;  // "run\npath\nattempt\nrank" → bytes sent

  std::string to_text() const;
  static Result<StreamPosition> parse(std::string_view text);
};

// The longest piece of `bytes` that does not end inside a UTF-8 sequence, as valid UTF-8 (bad bytes replaced), and its length in
// bytes.
struct TextPiece {
  std::string text;
  size_t size_bytes = 0;
};
TextPiece text_piece(std::string_view bytes, bool is_last);

class LiveStream {
 public:
  LiveStream(Api& api, Subscriptions subscriptions, StreamPosition position, bool follow, bool from_start)
      : api_(api),
        subscriptions_(std::move(subscriptions)),
        position_(std::move(position)),
        follow_(follow),
        from_start_(from_start) {}

  // Writes until the client goes, the server stops, or (without follow) all is said.
  Task<Status> run(net::BodyWriter& writer);

 private:
  Task<Status> begin(net::BodyWriter& writer);
  Task<Result<bool>> send_events(net::BodyWriter& writer);
  Task<Result<bool>> send_logs(net::BodyWriter& writer, std::string run, bool is_last);
  Task<Result<bool>> send_log(net::BodyWriter& writer, content::LogInfo log, bool is_last);
  Task<Result<bool>> send_metric_hints(net::BodyWriter& writer);
  Task<Status> send(net::BodyWriter& writer, std::string type, json::object data);

  std::vector<Topic> topics() const;

  Api& api_;
  const Subscriptions subscriptions_;
  StreamPosition position_;
  const bool follow_;
  const bool from_start_;
  std::map<std::string, int64_t> points_seen_;
};

}  // namespace werkbank::api
