#include "api/openapi.hh"
#include "api/reading.hh"
#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Task<Result<net::Response>> health(Api& api, Call&) {
  const Status alive = api.services.store.read([](store::Reader& reader) -> Status {
    TRY([[maybe_unused]] const int64_t cursor, reader.last_event_cursor());
    return {};
  });
  if (!alive) co_return fail(alive.error());
  co_return json_response(json::object{{"status", "ok"}, {"version", api.facts.version}});
}

Task<Result<net::Response>> prometheus(Api& api, Call&) {
  const Counters& counters = api.counters;
  const std::chrono::duration<double> up = std::chrono::steady_clock::now() - api.facts.started;
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help, auto value) {
    text += fmt::format("# HELP werkbank_{0} {2}\n# TYPE werkbank_{0} {1}\nwerkbank_{0} {3}\n", name, type, help, value);
  };
  add("uptime_seconds", "gauge", "Seconds since the server started.", up.count());
  add("http_requests_total", "counter", "HTTP requests answered.", counters.requests.load());
  add("http_errors_total", "counter", "HTTP requests answered with a problem document.", counters.errors.load());
  add("runs_submitted_total", "counter", "Runs submitted since the start.", counters.runs_submitted.load());
  add("runs_active", "gauge", "Managed runs that are under way or wait for room.", api.engine.active_runs());
  add("log_bytes_total", "counter", "Log bytes acknowledged.", counters.log_bytes.load());
  add("metric_lines_total", "counter", "Metric lines acknowledged.", counters.metric_lines.load());
  add("blobs_total", "counter", "Blobs stored.", counters.blobs.load());
  add("live_streams", "gauge", "Open live streams.", counters.streams.load());
  co_return text_response(std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

Task<Result<net::Response>> about(Api& api, Call& call) {
  const bool unix_socket = call.request.peer.unix_socket;
  co_return json_response(json::object{{"product", "werkbank"},
                                       {"version", api.facts.version},
                                       {"apiVersion", 1},
                                       {"instanceId", api.facts.instance_id},
                                       {"webAddress", api.facts.web_address},
                                       {"authentication", unix_socket         ? "unix"
                                                          : api.facts.no_auth ? "none"
                                                                              : "token"}});
}

Task<Result<net::Response>> openapi(Api& api, Call&) { co_return json_response(openapi_document(api.facts.version)); }

Task<Result<net::Response>> who_am_i(Api&, Call& call) {
  static constexpr std::string_view kVia[] = {"nobody", "unix", "none", "token", "run"};
  const access::Identity& identity = call.identity;
  co_return json_response(json::object{{"user", identity.user},
                                       {"via", kVia[static_cast<size_t>(identity.kind)]},
                                       {"workspace", identity.workspace},
                                       {"role", to_string(identity.role)}});
}

Task<Result<net::Response>> stop(Api& api, Call&) {
  api.request_stop();
  co_return json_response(json::object{{"status", "stopping"}, {"activeRuns", api.engine.active_runs()}}, 202);
}

Task<Result<net::Response>> collect_garbage(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const bool dry_run = reader.bool_or("dryRun", false);
  const bool empty_trash = reader.bool_or("emptyTrash", false);
  CO_CHECK_OK(reader.finish());
  CO_TRY(const lifecycle::Garbage garbage, co_await api.housekeeping.collect(dry_run, empty_trash));
  co_return json_response(json::object{{"dryRun", dry_run},
                                       {"runs", garbage.runs},
                                       {"snapshots", garbage.snapshots},
                                       {"blobs", garbage.blobs},
                                       {"events", garbage.events},
                                       {"idempotencyKeys", garbage.idempotency_keys},
                                       {"blobBytes", garbage.blob_bytes},
                                       {"logBytes", garbage.log_bytes},
                                       {"totalBytes", garbage.blob_bytes + garbage.log_bytes}});
}

Task<Result<net::Response>> explain_code(Api&, Call& call) {
  const ErrorCode* const code = find_error_code(call.arguments[0]);
  if (code == nullptr)
    co_return fail(errors::not_found, fmt::format("there is no error code {:?}", call.arguments[0]),
                   "`werkbank explain --all` lists them.");
  co_return json_response(json::object{{"code", code->id}, {"title", code->title}, {"remedy", code->remedy}});
}

constexpr Route kRoutes[] = {
    route<Permission::kPublic>(Method::kGet, "/healthz", health,
                               {"Is the server alive, and does its store answer", "", "", "Health"}),
    route<Permission::kRead>(Method::kGet, "/metrics", prometheus, {"Counters for Prometheus", "", "", "text/plain"}),
    route<Permission::kPublic>(Method::kGet, "/api/v1", about, {"What this server is", "", "", "About"}),
    route<Permission::kPublic>(Method::kGet, "/api/v1/openapi.json", openapi, {"This document", "", "", "application/json"}),
    route<Permission::kPublic>(Method::kGet, "/errors/{code}", explain_code, {"What an error code means", "", "", "ErrorCode"}),
    route<Permission::kRead>(Method::kGet, "/api/v1/whoami", who_am_i, {"Who the login is", "", "", "Login"}),
    route<Permission::kLocalOnly>(Method::kPost, "/api/v1/server/stop", stop,
                                  {"Stop the server; runs go on", "", "", "Stopping", 202}),
    route<Permission::kOwn>(Method::kPost, "/api/v1/server/gc", collect_garbage,
                            {"Free what nobody needs any more, or only count it", "", "GarbageRequest", "Garbage"}),
};

}  // namespace

std::span<const Route> server_routes() { return kRoutes; }

}  // namespace werkbank::api
