// Quotas of workspaces and of their users: who is limited to how much, and what is in use.
#include "lifecycle/quotas.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "api/schema_parts.hh"

namespace werkbank::api {

std::string_view quota_schemas() {
  return R"json({
"QuotaLimits": {
  "type": "object", "additionalProperties": false, "description": "null: no limit",
  "properties": {
    "cores": {"type": ["integer", "null"], "minimum": 0}, "gpus": {"type": ["integer", "null"], "minimum": 0},
    "memoryMib": {"type": ["integer", "null"], "minimum": 0}, "diskMib": {"type": ["integer", "null"], "minimum": 0},
    "runs": {"type": ["integer", "null"], "minimum": 0}
  }
},
"QuotaAmounts": {
  "type": "object", "required": ["cores", "gpus", "memoryMib", "diskMib", "runs"],
  "properties": {
    "cores": {"type": "integer"}, "gpus": {"type": "integer"}, "memoryMib": {"type": "integer"},
    "diskMib": {"type": "integer"}, "runs": {"type": "integer"}
  }
},
"QuotaChange": {
  "type": "object", "additionalProperties": false, "description": "what is not named stays as it is",
  "properties": {
    "workspace": {"$ref": "#/components/schemas/QuotaLimits"}, "eachUser": {"$ref": "#/components/schemas/QuotaLimits"},
    "users": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/QuotaLimits"}}
  }
},
"Quota": {
  "type": "object", "required": ["limits", "use"],
  "properties": {
    "limits": {"$ref": "#/components/schemas/QuotaChange"},
    "use": {
      "type": "object", "required": ["workspace", "users"],
      "properties": {
        "workspace": {"$ref": "#/components/schemas/QuotaAmounts"},
        "users": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/QuotaAmounts"}}
      }
    }
  }
}
})json";
}

namespace {

using access::Permission;
using net::Method;

Result<json::object> quota_json(Api& api, const std::string& workspace) {
  TRY(const QuotaBook book, api.engine.quota_book(workspace, true));
  json::object users;
  for (const auto& [user, amounts] : book.used_by) users[user] = to_json(amounts);
  return json::object{{"limits", to_json(book.quotas)},
                      {"use", json::object{{"workspace", to_json(book.used)}, {"users", std::move(users)}}}};
}

Task<Result<net::Response>> get_quota(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  CO_TRY([[maybe_unused]] const Workspace known,
         read<Workspace>(api, [&](store::Reader& reader) { return find_workspace(reader, workspace); }));
  CO_TRY(json::object document, quota_json(api, workspace));
  co_return json_response(std::move(document));
}

Status change(Quotas& quotas, const json::value& body) {
  JsonReader reader(body, "request");
  const json::value* const workspace = reader.value("workspace");
  const json::value* const each_user = reader.value("eachUser");
  const json::object* const users = reader.object("users");
  CHECK_OK(reader.finish());
  if (workspace != nullptr) CHECK_OK(change_limits(quotas.workspace, *workspace, "request.workspace"));
  if (each_user != nullptr) CHECK_OK(change_limits(quotas.each_user, *each_user, "request.eachUser"));
  if (users == nullptr) return {};
  for (const auto& [user, limits] : *users) {
    CHECK_OK(change_limits(quotas.users[std::string(user)], limits, "request.users"));
    if (quotas.users[std::string(user)] == QuotaLimits{}) quotas.users.erase(std::string(user));
  }
  return {};
}

// The name stands where no {workspace} does: quotas are the installation's to give, not the workspace's owner's.
Task<Result<net::Response>> change_quota(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  const std::string workspace = call.arguments[0];
  std::function<Status(store::Transaction&)> apply = [workspace, body](store::Transaction& transaction) -> Status {
    TRY([[maybe_unused]] const Workspace known, find_workspace(transaction, workspace));
    TRY(Quotas quotas, lifecycle::quotas_of(transaction, workspace));
    CHECK_OK(change(quotas, body));
    return lifecycle::put_quotas(transaction, workspace, quotas);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  api.engine.quotas_changed();
  CO_TRY(json::object document, quota_json(api, workspace));
  co_return json_response(std::move(document));
}

constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, "/api/v1/workspaces/{workspace}/quota", get_quota,
                             {"Get a workspace's quotas, and what is in use of them", "", "", "Quota"}),
    route<Permission::kOwn>(Method::kPatch, "/api/v1/quotas/{name}", change_quota,
                            {"Change the quotas of the workspace of this name", "", "QuotaChange", "Quota"}),
};

}  // namespace

std::span<const Route> quota_routes() { return kRoutes; }

}  // namespace werkbank::api
