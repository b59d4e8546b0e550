// Compute targets: those of the installation and those that users make.
#include "api/reading.hh"
#include "api/responses.hh"
#include "lifecycle/target_changes.hh"
#include "store/targets.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;
using Records = std::vector<ComputeTargetRecord>;

json::object capabilities_json(const compute::ComputeTarget& target) {
  const compute::Capabilities capabilities = target.capabilities();
  return {{"sameMachine", capabilities.same_machine},
          {"severalNodes", capabilities.several_nodes},
          {"enforcesMemory", capabilities.enforces_memory},
          {"runsAtOnce", capabilities.runs_at_once}};
}

json::object own_json(const lifecycle::TargetRegistry::Entry& entry) {
  return {{"name", entry.name},
          {"kind", entry.target->kind()},
          {"state", "Succeeded"},
          {"isOfInstallation", true},
          {"capabilities", capabilities_json(*entry.target)}};
}

// The record, and what the target itself says of its state.
json::object made_json(Api& api, const ComputeTargetRecord& record) {
  json::object document = to_json(record);
  document["isOfInstallation"] = false;
  compute::ManagedTarget* const target = api.services.targets.find_managed(record.workspace, record.name);
  document["state"] = target == nullptr ? "Failed" : "Succeeded";
  if (target == nullptr) return document;
  document["status"] = target->status();
  document["capabilities"] = capabilities_json(*target);
  return document;
}

Task<Result<net::Response>> list_own(Api& api, Call&) {
  json::array items;
  for (const auto& entry : api.services.targets.list("")) items.push_back(own_json(entry));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> list_targets(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  CO_TRY(const Records records, read<Records>(api, [&workspace](store::Reader& reader) -> Result<Records> {
           TRY([[maybe_unused]] const Workspace known, find_workspace(reader, workspace));
           return reader.targets().targets(workspace);
         }));
  json::array items;
  for (const auto& entry : api.services.targets.list("")) items.push_back(own_json(entry));
  for (const ComputeTargetRecord& record : records) items.push_back(made_json(api, record));
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<ComputeTargetRecord> find_record(Api& api, const std::string& workspace, const std::string& name) {
  using Found = std::optional<ComputeTargetRecord>;
  TRY(Found found, read<Found>(api, [&](store::Reader& reader) { return reader.targets().target(workspace, name); }));
  if (found) return std::move(*found);
  TRY([[maybe_unused]] compute::ComputeTarget* const target, api.services.targets.find(workspace, name));
  return fail(errors::target_unknown, fmt::format("there is no compute target {:?}", name));
}

Task<Result<net::Response>> get_target(Api& api, Call& call) {
  const std::string name = call.arguments[1];
  for (const auto& entry : api.services.targets.list("")) {
    if (entry.name == name) co_return json_response(own_json(entry));
  }
  CO_TRY(const ComputeTargetRecord record, find_record(api, call.workspace(), name));
  co_return json_response(made_json(api, record));
}

Task<Result<net::Response>> make_target(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  lifecycle::NewTarget wanted;
  wanted.workspace = call.workspace();
  wanted.user = call.identity.user;
  wanted.name = reader.required_string("name");
  wanted.kind = reader.required_string("kind");
  wanted.description = reader.string_or("description");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) wanted.tags[key] = text;
  if (const json::object* const settings = reader.object("settings")) wanted.settings = *settings;
  CO_CHECK_OK(reader.finish());
  CO_TRY(const lifecycle::MadeTarget made, co_await lifecycle::make_target(api.services, std::move(wanted)));
  co_return json_response(made_json(api, made.record), made.is_new ? 201 : 200);
}

Task<Result<net::Response>> change_target(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  lifecycle::TargetChange change;
  change.description = reader.optional_string("description");
  if (reader.has("tags")) {
    change.tags.emplace();
    for (auto& [key, text] : reader.string_map_or_empty("tags")) (*change.tags)[key] = text;
  }
  if (const json::object* const settings = reader.object("settings")) change.settings = *settings;
  CO_CHECK_OK(reader.finish());
  std::string workspace = call.workspace();
  std::string name = call.arguments[1];
  CO_TRY(const ComputeTargetRecord record,
         co_await lifecycle::change_target(api.services, std::move(workspace), std::move(name), std::move(change)));
  co_return json_response(made_json(api, record));
}

Task<Result<net::Response>> delete_target(Api& api, Call& call) {
  std::string workspace = call.workspace();
  std::string name = call.arguments[1];
  CO_CHECK_OK(co_await lifecycle::delete_target(api.services, std::move(workspace), std::move(name)));
  co_return no_content();
}

Task<Result<net::Response>> list_nodes(Api& api, Call& call) {
  const std::string name = call.arguments[1];
  json::array items;
  if (!api.services.targets.is_of_installation(name)) {
    CO_TRY([[maybe_unused]] const ComputeTargetRecord record, find_record(api, call.workspace(), name));
    if (compute::ManagedTarget* const target = api.services.targets.find_managed(call.workspace(), name)) items = target->nodes();
  }
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> list_sizes(Api& api, Call& call) {
  CO_TRY(const compute::TargetKind* const kind, api.services.targets.kind(query_text(call.request, "kind", "AmlCompute")));
  co_return json_response(json::object{{"items", kind->sizes()}, {"next", ""}});
}

#define COMPUTE "/api/v1/workspaces/{workspace}/compute"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/compute", list_own,
                             {"List the compute targets that are in every workspace", "", "", "ComputeTarget[]"}),
    route<Permission::kRead>(Method::kGet, "/api/v1/compute-sizes", list_sizes,
                             {"List the sizes of nodes that this machine has room for", "kind:string", "", "NodeSize[]"}),
    route<Permission::kRead>(Method::kGet, COMPUTE, list_targets,
                             {"List a workspace's compute targets", "", "", "ComputeTarget[]"}),
    route<Permission::kWrite>(
        Method::kPost, COMPUTE, make_target,
        {"Make a compute target; one of the same make is changed", "", "NewComputeTarget", "ComputeTarget", 201}),
    route<Permission::kRead>(Method::kGet, COMPUTE "/{name}", get_target, {"Get a compute target", "", "", "ComputeTarget"}),
    route<Permission::kWrite>(
        Method::kPatch, COMPUTE "/{name}", change_target,
        {"Change a compute target's settings, description or tags", "", "ComputeTargetChange", "ComputeTarget"}),
    route<Permission::kWrite>(Method::kDelete, COMPUTE "/{name}", delete_target,
                              {"Delete a compute target that no run uses", "", "", "", 204}),
    route<Permission::kRead>(Method::kGet, COMPUTE "/{name}/nodes", list_nodes,
                             {"List a compute target's nodes and what is on them", "", "", "ComputeNode[]"}),
};
#undef COMPUTE

}  // namespace

std::span<const Route> compute_routes() { return kRoutes; }

}  // namespace werkbank::api
