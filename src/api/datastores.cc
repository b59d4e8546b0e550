// Datastores: what they are, and the way to their data. Data itself goes through here for folders of this machine only, for
// clients on other machines.
#include "data/data_store.hh"

#include <algorithm>

#include "api/datastore_access.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "store/datastores.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;
using store::DatastoreRecord;

json::object datastore_json(const DatastoreRecord& record, const SecretMap& credential, const std::string& default_name) {
  json::object document = to_json(record.datastore);
  document["credentialType"] = credential_type(credential);
  document["isDefault"] = datastore_name_key(record.datastore.name) == datastore_name_key(default_name);
  return document;
}

Task<Result<net::Response>> list_datastores(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  std::string default_name;
  using Records = std::vector<DatastoreRecord>;
  CO_TRY(Records records, read<Records>(api, [&](store::Reader& reader) -> Result<Records> {
           TRY(const Workspace known, find_workspace(reader, workspace));
           TRY(Records found, reader.datastores().list(workspace));
           for (const std::string_view name : {kWorkspaceBlobStore, kWorkspaceFileStore})
             found.push_back({*own_datastore(known, name), {}});
           TRY(default_name, default_datastore(reader, workspace));
           return found;
         }));
  std::ranges::sort(records, {}, [](const DatastoreRecord& record) { return datastore_name_key(record.datastore.name); });
  json::array items;
  for (const DatastoreRecord& record : records) {
    CO_TRY(const SecretMap credential, unsealed(api, record));
    items.push_back(datastore_json(record, credential, default_name));
  }
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<net::Response> datastore_response(Api& api, const std::string& workspace, const std::string& name, int status = 200) {
  std::string default_name;
  TRY(const DatastoreRecord record, read<DatastoreRecord>(api, [&](store::Reader& reader) -> Result<DatastoreRecord> {
        TRY(default_name, default_datastore(reader, workspace));
        return find_datastore(reader, workspace, name.empty() ? default_name : name);
      }));
  TRY(const SecretMap credential, unsealed(api, record));
  return json_response(datastore_json(record, credential, default_name), status);
}

Task<Result<net::Response>> get_datastore(Api& api, Call& call) {
  co_return datastore_response(api, call.workspace(), call.arguments[1]);
}

Task<Result<net::Response>> get_default(Api& api, Call& call) { co_return datastore_response(api, call.workspace(), ""); }

struct Registration {
  Datastore datastore;
  SecretMap credential;
  bool overwrite = false, create = false, skip_validation = false;
};

Result<Registration> registration_from_json(const json::value& body, const Call& call, UtcMs now) {
  JsonReader reader(body, "request");
  Registration wanted;
  wanted.datastore.workspace = call.workspace();
  wanted.datastore.created_by = call.identity.user;
  wanted.datastore.created_ms = now;
  wanted.datastore.name = reader.required_string("name");
  const std::string kind_text = reader.required_string("kind");
  const std::optional<DatastoreKind> kind = parse_datastore_kind(kind_text);
  if (!kind) reader.refuse("kind", fmt::format("{:?} is not folder, azureBlob, s3 or http", kind_text));
  for (auto& [key, text] : reader.string_map_or_empty("settings")) wanted.datastore.settings[key] = text;
  const json::value* const credential = reader.value("credential");
  wanted.overwrite = reader.bool_or("overwrite", false);
  wanted.create = reader.bool_or("createIfNotExists", false);
  wanted.skip_validation = reader.bool_or("skipValidation", false);
  CHECK_OK(reader.finish());
  wanted.datastore.kind = *kind;
  if (credential != nullptr) {
    TRY(wanted.credential, credential_from_json(*credential));
  }
  CHECK_OK(check_datastore(wanted.datastore, wanted.credential));
  return wanted;
}

Status refuse_taken(store::Reader& reader, const Registration& wanted) {
  const Datastore& datastore = wanted.datastore;
  TRY(const Workspace workspace, find_workspace(reader, datastore.workspace));
  if (own_datastore(workspace, datastore.name)) {
    return fail(errors::already_exists, fmt::format("{} is there in every workspace and stays as it is", datastore.name),
                "Choose another name, and make it the default: werkbank datastore set-default NAME");
  }
  TRY(const auto known, reader.datastores().find(datastore.workspace, datastore.name));
  if (!known || wanted.overwrite) return {};
  return fail(errors::already_exists,
              fmt::format("there is a datastore {:?} in workspace {:?} already", known->datastore.name, datastore.workspace),
              "Choose another name, or replace it: --overwrite (overwrite=True).");
}

// What the storage says is told as the reason; a 403 of its own would read as if the login here were at fault.
Status checked_place(Api& api, const Registration& wanted) {
  TRY(const std::unique_ptr<data::DataStore> store, api.open_data({wanted.datastore, wanted.credential}));
  const Status found = store->check(wanted.create);
  if (found) return {};
  const Error& error = found.error();
  return fail(errors::datastore_refused, fmt::format("{:?}: {}", wanted.datastore.name, error.to_string()),
              std::string(error.remedy()));
}

Task<Result<net::Response>> register_datastore(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call, 256 * 1024));
  CO_TRY(const Registration wanted, registration_from_json(body, call, api.services.clock.utc_now_ms()));
  CO_CHECK_OK(api.services.store.read([&wanted](store::Reader& reader) { return refuse_taken(reader, wanted); }));
  if (wanted.datastore.kind == DatastoreKind::kFolder) CO_CHECK_OK(check_folder_may_serve(api, call, wanted.datastore));
  if (!wanted.skip_validation || wanted.create) {
    const auto check = [&api, &wanted] { return checked_place(api, wanted); };
    CO_CHECK_OK(co_await api.services.builders.run(check));
  }
  DatastoreRecord record{wanted.datastore, {}};
  if (!wanted.credential.empty())
    record.sealed = api.vault.seal(Secret(std::string(json::serialize(credential_to_json(wanted.credential)))));
  std::function<Status(store::Transaction&)> apply = [record, wanted](store::Transaction& transaction) -> Status {
    CHECK_OK(refuse_taken(transaction, wanted));
    return transaction.edit_datastores().put(record);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return datastore_response(api, wanted.datastore.workspace, wanted.datastore.name, 201);
}

Task<Result<net::Response>> unregister_datastore(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  std::function<Status(store::Transaction&)> apply = [workspace, name](store::Transaction& transaction) -> Status {
    TRY(const DatastoreRecord record, find_datastore(transaction, workspace, name));
    if (record.datastore.ours)
      return fail(errors::denied, fmt::format("{} is there in every workspace and stays", record.datastore.name),
                  "Leave it; another datastore can be the default one: werkbank datastore set-default NAME.");
    return transaction.edit_datastores().remove(workspace, name);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return no_content();
}

Task<Result<net::Response>> choose_default(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  const std::string name = reader.required_string("name");
  CO_CHECK_OK(reader.finish());
  const std::string workspace = call.workspace();
  std::function<Status(store::Transaction&)> apply = [workspace, name](store::Transaction& transaction) -> Status {
    TRY(const DatastoreRecord record, find_datastore(transaction, workspace, name));
    return transaction.edit_datastores().choose_default(workspace, record.datastore.name);
  };
  CO_CHECK_OK(co_await api.services.store.write(std::move(apply)));
  co_return datastore_response(api, workspace, "");
}

// With the credential; and with the folder's path for clients that are on this machine.
Task<Result<net::Response>> get_access(Api& api, Call& call) {
  const std::string workspace = call.workspace();
  const std::string name = call.arguments[1];
  CO_TRY(const DatastoreRecord record,
         read<DatastoreRecord>(api, [&](store::Reader& reader) { return find_datastore(reader, workspace, name); }));
  CO_TRY(data::DataAccess access, access_to(api, record));
  if (access.datastore.kind == DatastoreKind::kFolder && !call.request.peer.unix_socket) access.datastore.settings.erase("path");
  json::object document = to_json(access.datastore);
  document["credential"] = credential_to_json(access.credential);
  net::Response response = json_response(std::move(document));
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

#define W "/api/v1/workspaces/{workspace}"
constexpr Route kRoutes[] = {
    route<Permission::kRead>(Method::kGet, W "/datastores", list_datastores, {"List datastores", "", "", "Datastore[]"}),
    route<Permission::kWrite>(
        Method::kPost, W "/datastores", register_datastore,
        {"Register a datastore; the server goes there and tries the credential", "", "NewDatastore", "Datastore", 201}),
    route<Permission::kRead>(Method::kGet, W "/datastores/{name}", get_datastore, {"Get a datastore", "", "", "Datastore"}),
    route<Permission::kWrite>(Method::kDelete, W "/datastores/{name}", unregister_datastore,
                              {"Unregister a datastore; its data stays where it is", "", "", "", 204}),
    route<Permission::kJob>(Method::kGet, W "/datastores/{name}/access", get_access,
                            {"What it takes to get at a datastore's data, the credential included", "", "", "DatastoreAccess"}),
    route<Permission::kRead>(Method::kGet, W "/default-datastore", get_default,
                             {"Get the default datastore", "", "", "Datastore"}),
    route<Permission::kWrite>(Method::kPut, W "/default-datastore", choose_default,
                              {"Choose the default datastore", "", "DatastoreChoice", "Datastore"}),
};
#undef W

}  // namespace

std::span<const Route> datastore_routes() { return kRoutes; }

}  // namespace werkbank::api
