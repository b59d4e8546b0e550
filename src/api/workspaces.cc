#include "api/reading.hh"
#include "api/responses.hh"
#include "domain/names.hh"

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

// Runs that are under way would be torn from below their runners; the user ends them first.
Status refuse_active_runs(store::Reader& reader, const std::string& name) {
  TRY(const auto unfinished, reader.unfinished_managed_runs());
  for (const Run& run : unfinished) {
    if (run.key.workspace != name) continue;
    return fail(errors::run_state_conflict,
                fmt::format("run {:?} of the workspace {:?} is under way ({})", run.key.run_id, name, to_string(run.status)),
                "Cancel the workspace's runs first: werkbank run cancel RUN.");
  }
  return {};
}

Result<std::vector<RunKey>> all_runs(store::Reader& reader, const std::string& workspace) {
  std::vector<RunKey> keys;
  for (const LifecycleStage stage : {LifecycleStage::kActive, LifecycleStage::kArchived, LifecycleStage::kDeleted}) {
    store::RunQuery query;
    query.workspace = workspace;
    query.stage = stage;
    query.limit = 1000;
    do {
      TRY(const auto page, reader.runs(query));
      for (const Run& run : page.items) keys.push_back(run.key);
      query.cursor = page.next;
    } while (!query.cursor.empty());
  }
  return keys;
}

// Logs and metrics go first: a crash in between leaves a workspace whose deletion can be asked for again, and never data that a
// later workspace of this name would find.
Task<Result<net::Response>> delete_workspace(Api& api, Call& call) {
  const std::string name = call.workspace();
  if (name == "default") co_return fail(errors::name_refused, "the workspace default always exists", "Delete its runs instead.");
  using Keys = std::vector<RunKey>;
  CO_TRY(const Keys doomed, read<Keys>(api, [&name](store::Reader& reader) -> Result<Keys> {
           TRY(const Workspace workspace, find_workspace(reader, name));
           CHECK_OK(refuse_active_runs(reader, workspace.name));
           return all_runs(reader, workspace.name);
         }));
  const auto remove_data = [&api, &doomed]() -> Status {
    for (const RunKey& key : doomed) {
      CHECK_OK(api.services.logs.remove_run(key));
      CHECK_OK(api.services.series.remove_run(key));
    }
    return {};
  };
  CO_CHECK_OK(co_await api.services.pool.run(remove_data));
  std::function<Status(store::Transaction&)> apply = [name](store::Transaction& transaction) -> Status {
    TRY(const Workspace workspace, find_workspace(transaction, name));
    CHECK_OK(refuse_active_runs(transaction, name));
    TRY(const Keys keys, all_runs(transaction, name));
    for (const RunKey& key : keys) CHECK_OK(transaction.purge_run(key));
    return transaction.delete_workspace(workspace.name);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
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
    route<Permission::kOwn>(Method::kDelete, "/api/v1/workspaces/{workspace}", delete_workspace,
                            {"Delete a workspace with everything in it", "", "", "", 204}),
};

}  // namespace

std::span<const Route> workspace_routes() { return kRoutes; }

}  // namespace werkbank::api
