#include "api/v1_wire.hh"

#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr std::string_view kProvider = "/providers/Microsoft.MachineLearningServices/workspaces/";
constexpr std::string_view kContainerPrefix = "dcid.";

json::value time_or_null(UtcMs time) { return time == 0 ? json::value(nullptr) : json::value(format_utc(time)); }
json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

// All services at one address. The client wants each of these keys to be there.
Task<Result<net::Response>> discovery(Api& api, Call& call) {
  const std::string address = v1_address(api, call.request);
  json::object services;
  for (const char* service : {"api", "experimentation", "history", "hyperdrive", "modelmanagement"}) services[service] = address;
  services["studio"] = api.facts.web_address.empty() ? address : api.facts.web_address;
  co_return json_response(std::move(services));
}

constexpr Route kRoutes[] = {
    route<Permission::kPublic>(Method::kGet, kV1Discovery, discovery,
                               {"Where v1's services are, for Microsoft's own client in a job", "", "", "application/json"}),
};

}  // namespace

std::string v1_address(const Api& api, const net::Request& request) {
  const std::string& door = api.services.runner.job_url;
  const bool came_by_it = !door.empty() && door == fmt::format("http://{}", request.header("host"));
  return came_by_it || api.facts.web_address.empty() ? door : api.facts.web_address;
}

json::object v1_run(const Api& api, const Run& run) {
  json::object document{
      {"runNumber", run.number},
      {"rootRunId", run.root_id},
      {"experimentId", std::to_string(run.experiment_id)},
      {"createdUtc", format_utc(run.created_ms)},
      {"userId", run.created_by},
      {"runId", run.key.run_id},
      {"parentRunId", text_or_null(run.parent_id)},
      {"status", to_string(run.status)},
      {"startTimeUtc", time_or_null(run.started_ms)},
      {"endTimeUtc", time_or_null(run.ended_ms)},
      {"name", text_or_null(run.display_name)},
      {"displayName", text_or_null(run.display_name)},
      {"description", text_or_null(run.description)},
      {"dataContainerId", v1_container(run.key.run_id)},
      {"hidden", run.stage != LifecycleStage::kActive},
      {"runType", text_or_null(run.run_type)},
      {"scriptName", text_or_null(run.script)},
      {"target", text_or_null(run.target)},
      {"properties", text_map_to_json(run.properties)},
      {"tags", text_map_to_json(run.tags)},
      {"createdBy",
       json::object{{"userObjectId", run.created_by}, {"userTenantId", api.facts.instance_id}, {"userName", run.created_by}}}};
  if (run.status == RunStatus::kFailed) {
    document["error"] = json::object{{"error", json::object{{"code", run.end.code}, {"message", run.end.message}}}};
  }
  return document;
}

std::string v1_container(std::string_view run_id) { return fmt::format("{}{}", kContainerPrefix, run_id); }

std::string v1_run_of_container(std::string_view container) {
  if (!container.starts_with(kContainerPrefix)) return {};
  return std::string(container.substr(kContainerPrefix.size()));
}

json::object v1_page(json::array items, const std::string& next) {
  return {{"value", std::move(items)}, {"continuationToken", text_or_null(next)}};
}

bool is_v1_path(std::string_view path) { return path.find(kProvider) != std::string_view::npos; }

void add_v1_error(net::Response& response, const Error& error) {
  json::value document = json::parse(response.body);
  const std::string_view remedy = error.remedy();
  document.as_object()["error"] =
      json::object{{"code", response.status >= 500 ? "ServiceError" : "UserError"},
                   {"message", remedy.empty() ? error.message : fmt::format("{}. {}", error.message, remedy)},
                   {"details", json::array()}};  // that client walks through them when it shows the error
  response.body = json::serialize(document);
}

Error v1_not_served(const net::Request& request) {
  const size_t at = request.path.find(kProvider);
  const std::string_view service = std::string_view(request.path).substr(1, request.path.find('/', 1) - 1);
  std::string_view rest = std::string_view(request.path).substr(at + kProvider.size());
  rest.remove_prefix(std::min(rest.find('/'), rest.size()));
  return Error{
      &errors::not_supported,
      fmt::format("Werkbank does not serve {} {}{} to Microsoft's azureml-core", net::to_string(request.method), service, rest),
      "In a job that client logs metrics, sets tags and properties and makes child runs; Werkbank's own SDK does all "
      "else: leave WERKBANK_AZUREML away, or write files to ./outputs",
      {}};
}

std::span<const Route> v1_wire_routes() { return kRoutes; }

}  // namespace werkbank::api
