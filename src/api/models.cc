#include "registry/models.hh"
#include "api/reading.hh"
#include "api/responses.hh"
#include "content/snapshot_store.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

net::Response model_response(const Model& model, int status = 200) {
  net::Response response = json_response(to_json(model), status);
  response.headers.emplace_back("ETag", fmt::format("\"{}\"", model.revision));
  return response;
}

Result<ModelKey> key_of(const Call& call) { return parse_model_id(call.workspace(), call.arguments[1]); }

// What is changed or deleted is a certain version, not whichever is the newest when the request arrives.
Result<ModelKey> version_of(const Call& call) {
  TRY(ModelKey key, key_of(call));
  if (key.version == 0) {
    return fail(errors::invalid_request, fmt::format("{:?} names no version", call.arguments[1]),
                fmt::format("Name the version: {}:1", key.name));
  }
  return key;
}

Result<Model> find_model(store::Reader& reader, const ModelKey& key) {
  TRY(auto model, reader.models().find(key));
  if (!model) return fail(store::no_such_model(key));
  return std::move(*model);
}
Result<Model> find_model(Api& api, const Call& call) {
  TRY(const ModelKey key, key_of(call));
  return read<Model>(api, [&key](store::Reader& reader) -> Result<Model> {
    TRY(const Workspace known, find_workspace(reader, key.workspace));
    return find_model(reader, key);
  });
}

// Files that a job uploads itself may carry its own run, or one below it, as their origin; not another's.
Status check_origin(Api& api, const access::Identity& identity, const registry::Registration& registration) {
  const std::string& run_id = registration.model.run_id;
  if (identity.kind != access::LoginKind::kRunToken || registration.snapshot_id.empty() || run_id.empty()) return {};
  const RunKey origin{registration.model.key.workspace, run_id};
  TRY(const bool belongs,
      read<bool>(api, [&](store::Reader& reader) { return descends_from(reader, origin, identity.run.run_id); }));
  if (belongs) return {};
  return fail(errors::denied,
              fmt::format("a job names its own run, or one below it, as the origin of files; runId is {:?}", run_id),
              "Register the other run's files by their path, or leave runId out.");
}

Task<Result<net::Response>> register_model(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(registry::Registration registration, registry::registration_from_json(body, call.workspace()));
  CO_CHECK_OK(check_origin(api, call.identity, registration));
  registration.model.created_by = call.identity.user;
  registration.idempotency_key = std::string(call.request.header("idempotency-key"));
  if (registration.idempotency_key.size() > 255)
    co_return fail(errors::invalid_request, "Idempotency-Key is longer than 255 bytes");
  registration.request_hash = Hash::of(canonical_json(body)).hex();
  CO_TRY(const registry::Registered registered, co_await registry::register_model(api.services, std::move(registration)));
  co_return model_response(registered.model, registered.repeated ? 200 : 201);
}

// "k" asks for the key with any value, "k=v" for the pair.
void add_filter(TextMap& filters, const std::string& text) {
  const size_t equals = text.find('=');
  filters[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
}

Result<store::ModelQuery> model_query(const Call& call) {
  store::ModelQuery query;
  query.workspace = call.workspace();
  TRY(const PageRequest page, page_request(call.request));
  query.limit = page.limit;
  query.cursor = page.cursor;
  query.latest = query_flag(call.request, "latest");
  for (const auto& [name, value] : call.request.query) {
    if (name == "name")
      query.name = value;
    else if (name == "tag")
      add_filter(query.tags, value);
    else if (name == "property")
      add_filter(query.properties, value);
    else if (name == "run")
      query.run_id = value;
    else if (name == "framework")
      query.framework = value;
    else if (name == "dataset")
      query.dataset_id = value;
    else if (name != "limit" && name != "cursor" && name != "latest") {
      return fail(errors::invalid_request, fmt::format("query parameter {}={:?} is not understood here", name, value),
                  "Filters: name, tag, property, run, framework, dataset, latest, limit, cursor.");
    }
  }
  return query;
}

Task<Result<net::Response>> list_models(Api& api, Call& call) {
  CO_TRY(const store::ModelQuery query, model_query(call));
  using Page = store::Page<Model>;
  CO_TRY(const Page page, read<Page>(api, [&query](store::Reader& reader) -> Result<Page> {
           TRY(const Workspace known, find_workspace(reader, query.workspace));
           return reader.models().list(query);
         }));
  co_return page_response(page.items, page.next);
}

Task<Result<net::Response>> get_model(Api& api, Call& call) {
  CO_TRY(const Model model, find_model(api, call));
  co_return model_response(model);
}

Task<Result<net::Response>> update_model(Api& api, Call& call) {
  CO_TRY(ModelKey key, version_of(call));
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(registry::ModelChange change, registry::model_change_from_json(body));
  change.if_match = std::string(call.request.header("if-match"));
  CO_TRY(const Model model, co_await registry::change_model(api.services, std::move(key), std::move(change)));
  co_return model_response(model);
}

Task<Result<net::Response>> delete_model(Api& api, Call& call) {
  CO_TRY(ModelKey key, version_of(call));
  CO_CHECK_OK(co_await registry::delete_model(api.services, std::move(key)));
  co_return no_content();
}

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  CO_TRY(const Model model, find_model(api, call));
  const auto get = [&api, &model] { return content::get_manifest(api.services.blobs, model.content); };
  CO_TRY(const SnapshotManifest manifest, co_await api.services.pool.run(get));
  json::array items;
  for (const SnapshotEntry& entry : manifest.entries) {
    items.push_back(json::object{{"path", entry.path}, {"sizeBytes", entry.size_bytes}, {"hash", entry.hash.hex()}});
  }
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

Task<Result<net::Response>> get_file(Api& api, Call& call) {
  CO_TRY(const Model model, find_model(api, call));
  const std::string path = call.arguments[2];
  const auto find = [&api, &model, &path] { return content::find_snapshot_file(api.services.blobs, model.content, path); };
  const Result<SnapshotEntry> entry = co_await api.services.pool.run(find);
  if (!entry && entry.error().code == &errors::not_found)
    co_return fail(errors::not_found, fmt::format("model {:?} has no file {:?}", model_id(model.key), path),
                   "GET …/files lists them.");
  CO_CHECK_OK(entry);
  content::BlobStore& blobs = api.services.blobs;
  co_return bytes_response(
      call.request, entry->size_bytes, media_type_of(path), entry->hash.hex(),
      [&blobs, hash = entry->hash](uint64_t offset, uint64_t size_max) { return blobs.read(hash, offset, size_max); });
}

Task<Result<net::Response>> list_users(Api& api, Call& call) {
  CO_TRY(const Model model, find_model(api, call));
  using Users = std::vector<ModelUser>;
  CO_TRY(const Users users, read<Users>(api, [&model](store::Reader& reader) { return reader.models().users(model.key); }));
  json::array items;
  for (const ModelUser& user : users) items.push_back(json::object{{"kind", user.kind}, {"name", user.name}});
  co_return json_response(json::object{{"items", std::move(items)}, {"next", ""}});
}

#define MODELS "/api/v1/workspaces/{workspace}/models"
constexpr Route kRoutes[] = {
    route<Permission::kJob>(
        Method::kPost, MODELS, register_model,
        {"Register a run's file or folder, or a snapshot, as the next version of a name (header Idempotency-Key is honoured)", "",
         "NewModel", "Model", 201}),
    route<Permission::kRead>(Method::kGet, MODELS, list_models,
                             {"List models, the last registered first",
                              "name:string,tag:string,property:string,run:string,framework:string,dataset:string,latest:boolean,"
                              "limit:integer,cursor:string",
                              "", "Model[]"}),
    route<Permission::kRead>(Method::kGet, MODELS "/{model}", get_model,
                             {"Get NAME:VERSION, or the newest of NAME", "", "", "Model"}),
    route<Permission::kJob>(Method::kPatch, MODELS "/{model}", update_model,
                            {"Change what is said of NAME:VERSION; set properties once", "", "ModelChange", "Model"}),
    route<Permission::kWrite>(Method::kDelete, MODELS "/{model}", delete_model,
                              {"Delete NAME:VERSION; refused while something uses it", "", "", "", 204}),
    route<Permission::kRead>(Method::kGet, MODELS "/{model}/files", list_files, {"List a model's files", "", "", "ModelFile[]"}),
    route<Permission::kRead>(Method::kGet, MODELS "/{model}/files/{path...}", get_file,
                             {"Get a file, or a range of it", "", "", "application/octet-stream"}),
    route<Permission::kRead>(Method::kGet, MODELS "/{model}/users", list_users,
                             {"What uses the model and keeps it from being deleted", "", "", "ModelUser[]"}),
};
#undef MODELS

}  // namespace

std::span<const Route> model_routes() { return kRoutes; }

}  // namespace werkbank::api
