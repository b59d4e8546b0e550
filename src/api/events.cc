#include "api/live_stream.hh"
#include "api/reading.hh"
#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Task<Status> run_stream(Api& api, std::shared_ptr<LiveStream> stream, net::BodyWriter& writer) {
  api.counters.streams.fetch_add(1, std::memory_order_relaxed);
  Status status = co_await stream->run(writer);
  api.counters.streams.fetch_sub(1, std::memory_order_relaxed);
  co_return status;
}

Task<Result<net::Response>> live_events(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  CO_TRY(const Workspace known,
         read<Workspace>(api, [&workspace](store::Reader& reader) { return find_workspace(reader, workspace); }));
  CO_TRY(Subscriptions subscriptions, parse_subscriptions(call.request, known.name));
  std::string cursor = query_text(call.request, "cursor");
  if (cursor.empty()) cursor = std::string(call.request.header("last-event-id"));
  StreamPosition position;
  if (!cursor.empty()) {
    CO_TRY(position, StreamPosition::parse(cursor));
  }
  const bool follow = query_flag(call.request, "follow", true);
  const bool from_start = query_text(call.request, "from") == "start";
  // Shared: the stream outlives this handler; the response's function is its only owner.
  auto stream = std::make_shared<LiveStream>(api, std::move(subscriptions), std::move(position), follow, from_start);
  net::Response response;
  response.headers.emplace_back("Content-Type", "text/event-stream");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = [&api, stream](net::BodyWriter& writer) { return run_stream(api, stream, writer); };
  co_return response;
}

constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/events", live_events,
                             {"Live events, logs and metrics of many runs in one stream",
                              "events:string,log:string,metrics:string,cursor:string,from:string,follow:boolean", "",
                              "text/event-stream", 200, "Last-Event-ID"}),
};

}  // namespace

std::span<const Route> event_routes() { return kRoutes; }

}  // namespace werkbank::api
