#include "api/router.hh"

#include <fmt/format.h>

#include "api/login.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/v1_wire.hh"
#include "base/files.hh"
#include "base/log.hh"

namespace werkbank::api {
namespace {

using access::Permission;

constexpr std::string_view kRunPlaceholder = "{run}";

// HEAD is answered by GET's handler; the server leaves the body out.
bool same_method(net::Method route, net::Method request) {
  return route == request || (route == net::Method::kGet && request == net::Method::kHead);
}

// The methods of all routes that take this path, as the header Allow has them; empty where there is none.
std::string allowed_methods(const std::vector<std::string>& segments) {
  std::string allowed;
  for (const Route& route : all_routes()) {
    if (!match_pattern(route.pattern, segments)) continue;
    const std::string name(route.method == net::Method::kGet ? "GET, HEAD" : net::to_string(route.method));
    if (allowed.find(name) == std::string::npos) allowed += (allowed.empty() ? "" : ", ") + name;
  }
  return allowed;
}

net::Response wrong_method(const net::Request& request, const std::string& allowed) {
  const Error error{&errors::method_not_allowed,
                    fmt::format("{} is not answered at {}; it takes {}", net::to_string(request.method), request.path, allowed),
                    {},
                    {}};
  net::Response response = problem_response(error, request.path, 405);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace

std::optional<std::vector<std::string>> match_pattern(std::string_view pattern, const std::vector<std::string>& segments) {
  std::vector<std::string> values;
  size_t position = 0;
  pattern.remove_prefix(1);
  while (true) {
    const size_t slash = pattern.find('/');
    const std::string_view part = pattern.substr(0, slash);
    if (part.ends_with("...}")) {
      if (position >= segments.size()) return std::nullopt;
      std::string rest = segments[position++];
      while (position < segments.size()) rest += "/" + segments[position++];
      values.push_back(std::move(rest));
      return values;
    }
    if (position >= segments.size()) return std::nullopt;
    if (part.starts_with('{'))
      values.push_back(segments[position]);
    else if (part != "*" && part != segments[position])
      return std::nullopt;
    ++position;
    if (slash == std::string_view::npos) break;
    pattern.remove_prefix(slash + 1);
  }
  if (position != segments.size()) return std::nullopt;
  return values;
}

Result<access::Subject> Router::subject_of(const Route& route, const Call& call) {
  access::Subject subject;
  if (route.pattern.find("{workspace}") != std::string_view::npos) subject.workspace = call.arguments[0];
  if (route.pattern.find(kRunPlaceholder) != std::string_view::npos) subject.run_id = call.arguments[1];
  if (call.identity.kind == access::LoginKind::kRunToken && !subject.run_id.empty() &&
      subject.run_id != call.identity.run.run_id) {
    const RunKey named{subject.workspace, subject.run_id};
    const std::string ancestor = call.identity.run.run_id;
    const std::function<Result<bool>(store::Reader&)> look = [&](store::Reader& reader) {
      return descends_from(reader, named, ancestor);
    };
    TRY(subject.is_descendant, store::read<bool>(api_.services.store, look));
  }
  return subject;
}

Task<Result<net::Response>> Router::dispatch(net::Request& request) {
  CO_CHECK_OK(check_host(api_.facts, request));
  const Route* found = nullptr;
  std::vector<std::string> arguments;
  for (const Route& route : all_routes()) {
    if (!same_method(route.method, request.method)) continue;
    std::optional<std::vector<std::string>> matched = match_pattern(route.pattern, request.segments);
    if (!matched) continue;
    found = &route;
    arguments = std::move(*matched);
    break;
  }
  CO_TRY(access::Identity identity, identify(api_, request, door_));
  // The door of jobs shows nothing to those without a run's token but where it is.
  if (door_ == Door::kJobs && !(found != nullptr && found->pattern == kV1Discovery)) {
    CO_CHECK_OK(access::authorize(identity, Permission::kRead, {}));
  }
  Call call{request, std::move(identity), std::move(arguments)};
  if (found == nullptr) {
    // What exists is told only to those who may read something.
    CO_CHECK_OK(access::authorize(call.identity, Permission::kRead, {}));
    if (const std::string allowed = allowed_methods(request.segments); !allowed.empty()) co_return wrong_method(request, allowed);
    if (is_v1_path(request.path)) co_return fail(v1_not_served(request));
    co_return fail(errors::not_found, fmt::format("there is no route {}", request.path),
                   "GET /api/v1/openapi.json lists all routes.");
  }
  CO_TRY(const access::Subject subject, subject_of(*found, call));
  CO_CHECK_OK(access::authorize(call.identity, found->permission, subject));
  co_return co_await found->handler(api_, call);
}

Task<net::Response> Router::answer(net::Request& request) {
  api_.counters.requests.fetch_add(1, std::memory_order_relaxed);
  api_.counters.last_request_ms.store(api_.services.clock.monotonic_now().count(), std::memory_order_relaxed);
  api_.counters.in_flight.fetch_add(1, std::memory_order_relaxed);
  Result<net::Response> response = co_await dispatch(request);
  api_.counters.in_flight.fetch_sub(1, std::memory_order_relaxed);
  api_.counters.last_request_ms.store(api_.services.clock.monotonic_now().count(), std::memory_order_relaxed);
  if (response) co_return std::move(*response);
  api_.counters.errors.fetch_add(1, std::memory_order_relaxed);
  const Error& error = response.error();
  if (error.kind() == ErrorKind::kInternal || error.kind() == ErrorKind::kUnavailable) {
    log_error("request failed method={} path={:?} code={} error={:?}", net::to_string(request.method), request.path,
              error.code->id, error.to_string());
  }
  net::Response problem = problem_response(error, request.path);
  if (is_v1_path(request.path)) add_v1_error(problem, error);
  co_return problem;
}

}  // namespace werkbank::api
