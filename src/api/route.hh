// Routes as values. A route cannot be written without its permission: route<…>() takes it as a template argument without a
// default.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/permission.hh"
#include "net/http.hh"

namespace werkbank::api {

struct Api;  // what handlers work on, api/api.hh

// One request on its way through a handler. Lives in the router's frame until the response is there.
struct Call {
  net::Request& request;
  access::Identity identity;
  std::vector<std::string>
      arguments;  // the {placeholders} of the pattern, in order, decoded; a last {path…} takes the rest, joined by '/'; * is none

  const std::string& workspace() const { return arguments[0]; }  // routes below /workspaces/{workspace}
  RunKey run() const { return {arguments[0], arguments[1]}; }    // routes below …/runs/{run}
};

using HandlerFunction = Task<Result<net::Response>> (*)(Api& api, Call& call);

// What the OpenAPI document says beyond the pattern.
struct Description {
  std::string_view summary;
  std::string_view query;         // "limit:integer,cursor:string": optional query parameters
  std::string_view request;       // schema name in api/schemas.cc, or a media type ("application/octet-stream"); empty: none
  std::string_view response;      // schema name, "…[]" for a page of them, or a media type
  int status = 200;               // of the usual success
  std::string_view headers = {};  // "Idempotency-Key,If-Match": optional request headers, explained in api/openapi.cc
};

struct Route {
  net::Method method;
  std::string_view pattern;  // "/api/v1/workspaces/{workspace}/runs/{run}/files/{path...}"
  access::Permission permission;
  Description description;
  HandlerFunction handler;
};

template <access::Permission permission>
constexpr Route route(net::Method method, std::string_view pattern, HandlerFunction handler, Description description) {
  return Route{method, pattern, permission, description, handler};
}

// The nouns, a file each. routes.cc puts them together; their order decides between patterns that both match.
std::span<const Route> server_routes();
std::span<const Route> workspace_routes();
std::span<const Route> experiment_routes();
std::span<const Route> snapshot_routes();
std::span<const Route> run_routes();
std::span<const Route> run_metric_routes();
std::span<const Route> run_file_routes();
std::span<const Route> runner_routes();
std::span<const Route> runner_data_routes();
std::span<const Route> event_routes();
std::span<const Route> environment_routes();
std::span<const Route> access_routes();
std::span<const Route> sign_in_routes();
std::span<const Route> package_routes();
std::span<const Route> built_environment_routes();
std::span<const Route> compute_routes();
std::span<const Route> quota_routes();
std::span<const Route> model_routes();
std::span<const Route> datastore_routes();
std::span<const Route> datastore_file_routes();
std::span<const Route> dataset_routes();
std::span<const Route> v1_wire_routes();
std::span<const Route> v1_run_routes();
std::span<const Route> v1_metric_routes();
std::span<const Route> v1_artifact_routes();
const std::vector<Route>& all_routes();
// Of another service's interface, which is described elsewhere.
inline bool is_v1_route(const Route& route) { return route.pattern.find("/*/") != std::string_view::npos; }

}  // namespace werkbank::api
