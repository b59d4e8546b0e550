#include "api/reading.hh"
#include "api/responses.hh"
#include "domain/names.hh"
#include "lifecycle/workspace_removal.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Task<Result<net::Response>> list_workspaces(Api& api, Call& call) {
  CO_TRY(const std::vector<Workspace> all,
         read<std::vector<Workspace>>(api, [](store::Reader& reader) { return reader.workspaces(); }));
  std::vector<Workspace> visible;
  for (const Workspace& workspace : all) {
    if (call.identity.workspace == "*" || call.identity.workspace == workspace.name) visible.push_back(workspace);
  }
  co_return page_response(visible, "");
}

Task<Result<net::Response>> create_workspace(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  Workspace workspace;
  workspace.name = reader.required_string("name");
  workspace.subscription_id = reader.string_or("subscriptionId");
  workspace.resource_group = reader.string_or("resourceGroup");
  workspace.location = reader.string_or("location");
  // Free text, but never nothing: jobs find these in their variables, and scripts of v1 take an empty one for a missing one.
  for (std::string* const place : {&workspace.subscription_id, &workspace.resource_group, &workspace.location}) {
    if (place->empty()) *place = "local";
  }
  workspace.description = reader.string_or("description");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) workspace.tags[key] = text;
  const bool exist_ok = reader.bool_or("existOk", false);
  CO_CHECK_OK(reader.finish());
  CO_CHECK_OK(check_workspace_name(workspace.name));
  const std::string creator = call.identity.user;
  workspace.created_ms = api.services.clock.utc_now_ms();
  std::function<Result<std::pair<Workspace, bool>>(store::Transaction&)> apply =
      [workspace, exist_ok, creator](store::Transaction& transaction) -> Result<std::pair<Workspace, bool>> {
    TRY(const auto known, transaction.workspace(workspace.name));
    CHECK_OK(lifecycle::refuse_being_removed(transaction, workspace.name));
    if (known && exist_ok) return std::pair(*known, false);
    if (known)
      return fail(errors::already_exists, fmt::format("the workspace {:?} is there already", workspace.name),
                  "Pass exist_ok=True (existOk) to take it.");
    CHECK_OK(transaction.put_workspace(workspace));
    CHECK_OK(transaction.put_member({workspace.name, creator, Role::kOwner}));
    return std::pair(workspace, true);
  };
  using Outcome = std::pair<Workspace, bool>;
  CO_TRY(const Outcome outcome, co_await store::write<Outcome>(api.services.store, std::move(apply)));
  co_return json_response(to_json(outcome.first), outcome.second ? 201 : 200);
}

Task<Result<net::Response>> get_workspace(Api& api, Call& call) {
  const std::string name = call.workspace();
  CO_TRY(const Workspace workspace,
         read<Workspace>(api, [&name](store::Reader& reader) { return find_workspace(reader, name); }));
  co_return json_response(to_json(workspace));
}

Task<Result<net::Response>> update_workspace(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const auto description = reader.optional_string("description");
  const auto location = reader.optional_string("location");
  const auto subscription = reader.optional_string("subscriptionId");
  const auto group = reader.optional_string("resourceGroup");
  const bool sets_tags = reader.has("tags");
  const auto tags = reader.string_map_or_empty("tags");
  CO_CHECK_OK(reader.finish());
  const std::string name = call.workspace();
  std::function<Result<Workspace>(store::Transaction&)> apply = [=](store::Transaction& transaction) -> Result<Workspace> {
    TRY(Workspace workspace, find_workspace(transaction, name));
    if (description) workspace.description = *description;
    if (location) workspace.location = *location;
    if (subscription) workspace.subscription_id = *subscription;
    if (group) workspace.resource_group = *group;
    if (sets_tags) workspace.tags = TextMap(tags.begin(), tags.end());
    CHECK_OK(transaction.put_workspace(workspace));
    return workspace;
  };
  CO_TRY(const Workspace workspace, co_await store::write<Workspace>(api.services.store, std::move(apply)));
  co_return json_response(to_json(workspace));
}

Task<Result<net::Response>> get_contents(Api& api, Call& call) {
  const std::string name = call.workspace();
  const auto look = [&api, &name] { return lifecycle::workspace_contents(api.services, name); };
  CO_TRY(const lifecycle::WorkspaceContents contents, co_await api.services.builders.run(look));
  co_return json_response(json::object{{"workspace", name},
                                       {"experiments", contents.experiments},
                                       {"runs", contents.runs},
                                       {"activeRuns", contents.active_runs},
                                       {"environments", contents.environments},
                                       {"models", contents.models},
                                       {"secrets", contents.secrets},
                                       {"blobs", contents.blobs},
                                       {"metricPoints", contents.metric_points},
                                       {"blobBytes", contents.blob_bytes},
                                       {"logBytes", contents.log_bytes},
                                       {"dataFiles", contents.data_files},
                                       {"dataBytes", contents.data_bytes},
                                       {"totalBytes", contents.blob_bytes + contents.log_bytes + contents.data_bytes}});
}

Task<Result<net::Response>> delete_workspace(Api& api, Call& call) {
  std::string name = call.workspace();
  if (name == "default") co_return fail(errors::name_refused, "the workspace default always exists", "Delete its runs instead.");
  CO_CHECK_OK(co_await api.housekeeping.remove_workspace(std::move(name)));
  co_return no_content();
}

constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces", list_workspaces,
                             {"List the workspaces the login sees", "", "", "Workspace[]"}),
    route<Permission::kOwn>(Method::kPost, "/api/v1/workspaces", create_workspace,
                            {"Create a workspace", "", "NewWorkspace", "Workspace", 201}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}", get_workspace,
                             {"Get a workspace", "", "", "Workspace"}),
    route<Permission::kWrite>(Method::kPatch, "/api/v1/workspaces/{workspace}", update_workspace,
                              {"Change a workspace's description, place or tags", "", "WorkspaceChange", "Workspace"}),
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/contents", get_contents,
                             {"How much a workspace holds, and deleting it would free", "", "", "WorkspaceContents"}),
    route<Permission::kOwn>(Method::kDelete, "/api/v1/workspaces/{workspace}", delete_workspace,
                            {"Delete a workspace with everything in it", "", "", "", 204}),
};

}  // namespace

std::span<const Route> workspace_routes() { return kRoutes; }

}  // namespace werkbank::api
