// Datasets: what they are made of, their registered versions, and which runs read or made them.
#include "registry/datasets.hh"

#include "api/datastore_access.hh"
#include "api/reading.hh"
#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;
using registry::FoundDataset;

net::Response dataset_response(const json::object& document, int status = 200) {
  net::Response response = json_response(document, status);
  response.headers.emplace_back("ETag", fmt::format("\"{}\"", document.at("revision").to_number<int64_t>()));
  return response;
}

// Two spellings of a datastore's name are one dataset.
Status name_datastores(store::Reader& reader, registry::NewDataset& wanted) {
  for (DatasetSource& source : wanted.content.sources) {
    if (source.datastore.empty()) continue;
    TRY(const store::DatastoreRecord record, find_datastore(reader, wanted.workspace, source.datastore));
    source.datastore = record.datastore.name;
  }
  return {};
}

Task<Result<net::Response>> save_dataset(Api& api, Call& call) {
  CO_TRY(const std::string text, co_await call.request.body->all(registry::kDatasetBytesMax));
  using registry::NewDataset;
  // A document may list a million files: parsing it holds up no connection.
  const auto parse = [&text, &call]() -> Result<NewDataset> {
    JsonLimits limits;
    limits.size_bytes_max = registry::kDatasetBytesMax;
    TRY(json::value body, parse_json(text, limits));
    return registry::new_dataset_from_json(std::move(body), call.workspace());
  };
  CO_TRY(NewDataset wanted, co_await api.services.pool.run(parse));
  wanted.created_by = call.identity.user;
  CO_CHECK_OK(api.services.store.read([&wanted](store::Reader& reader) { return name_datastores(reader, wanted); }));
  CO_TRY(const registry::SavedDataset saved, co_await registry::save_dataset(api.services, std::move(wanted)));
  co_return dataset_response(registry::to_json(FoundDataset{saved.dataset, saved.version}), saved.is_new ? 201 : 200);
}

Result<store::DatasetQuery> dataset_query(const Call& call) {
  store::DatasetQuery query;
  query.workspace = call.workspace();
  TRY(const PageRequest page, page_request(call.request));
  query.limit = page.limit;
  query.cursor = page.cursor;
  for (const auto& [name, value] : call.request.query) {
    if (name == "name") {
      query.name = value;
    } else if (name == "kind") {
      query.kind = parse_dataset_kind(value);
      if (!query.kind) return fail(errors::invalid_request, fmt::format("kind={:?} is neither file nor tabular", value));
    } else if (name == "tag") {
      const size_t equals = value.find('=');
      query.tags[value.substr(0, equals)] = equals == std::string::npos ? "" : value.substr(equals + 1);
    } else if (name != "limit" && name != "cursor") {
      return fail(errors::invalid_request, fmt::format("query parameter {}={:?} is not understood here", name, value),
                  "Filters: name, kind, tag, limit, cursor.");
    }
  }
  return query;
}

Task<Result<net::Response>> list_datasets(Api& api, Call& call) {
  CO_TRY(const store::DatasetQuery query, dataset_query(call));
  using Page = store::Page<DatasetVersion>;
  CO_TRY(const Page page, read<Page>(api, [&query](store::Reader& reader) -> Result<Page> {
           TRY(const Workspace known, find_workspace(reader, query.workspace));
           return reader.datasets().list(query);
         }));
  co_return page_response(page.items, page.next);
}

Result<FoundDataset> find_dataset(Api& api, const Call& call) {
  return read<FoundDataset>(
      api, [&call](store::Reader& reader) { return registry::find_dataset(reader, call.workspace(), call.arguments[1]); });
}

Task<Result<net::Response>> get_dataset(Api& api, Call& call) {
  CO_TRY(const FoundDataset found, find_dataset(api, call));
  co_return dataset_response(registry::to_json(found));
}

Task<Result<net::Response>> get_content(Api& api, Call& call) {
  CO_TRY(const FoundDataset found, find_dataset(api, call));
  const Hash hash = found.dataset.content;
  content::BlobStore& blobs = api.services.blobs;
  const auto measure = [&blobs, hash] { return blobs.size(hash); };
  CO_TRY(const uint64_t size_bytes, co_await api.services.pool.run(measure));
  co_return bytes_response(call.request, size_bytes, "application/json", hash.hex(),
                           [&blobs, hash](uint64_t offset, uint64_t size_max) { return blobs.read(hash, offset, size_max); });
}

Task<Result<net::Response>> change_dataset(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  CO_TRY(registry::DatasetChange change, registry::dataset_change_from_json(body));
  change.if_match = std::string(call.request.header("if-match"));
  CO_TRY(const DatasetVersion version,
         co_await registry::change_dataset(api.services, call.workspace(), call.arguments[1], std::move(change)));
  co_return dataset_response(to_json(version));
}

Task<Result<net::Response>> delete_dataset(Api& api, Call& call) {
  CO_CHECK_OK(co_await registry::delete_dataset(api.services, call.workspace(), call.arguments[1]));
  co_return no_content();
}

Result<net::Response> list_uses(Api& api, const Call& call,
                                const std::function<Status(store::Reader&, store::DatasetUseQuery&)>& choose) {
  store::DatasetUseQuery query;
  query.workspace = call.workspace();
  TRY(const PageRequest page, page_request(call.request));
  query.limit = page.limit;
  query.cursor = page.cursor;
  using Page = store::Page<DatasetUse>;
  TRY(const Page uses, read<Page>(api, [&](store::Reader& reader) -> Result<Page> {
        TRY(const Workspace known, find_workspace(reader, query.workspace));
        CHECK_OK(choose(reader, query));
        return reader.datasets().uses(query);
      }));
  return page_response(uses.items, uses.next);
}

Task<Result<net::Response>> list_runs(Api& api, Call& call) {
  co_return list_uses(api, call, [&call](store::Reader& reader, store::DatasetUseQuery& query) -> Status {
    TRY(const FoundDataset found, registry::find_dataset(reader, call.workspace(), call.arguments[1]));
    query.dataset_id = found.dataset.id;
    return {};
  });
}

Task<Result<net::Response>> list_of_run(Api& api, Call& call) {
  co_return list_uses(api, call, [&call](store::Reader& reader, store::DatasetUseQuery& query) -> Status {
    TRY(const Run run, find_run(reader, call.run()));
    query.run_id = run.key.run_id;
    return {};
  });
}

#define W "/api/v1/workspaces/{workspace}"
constexpr Route kRoutes[] = {
    route<Permission::kContent>(
        Method::kPost, W "/datasets", save_dataset,
        {"Save what a dataset is made of, and register it; 200 where both are known", "", "NewDataset", "Dataset", 201}),
    route<Permission::kRead>(Method::kGet, W "/datasets", list_datasets,
                             {"List registered datasets: the newest version of each name, or with name all versions of it",
                              "name:string,kind:string,tag:string,limit:integer,cursor:string", "", "Dataset[]"}),
    route<Permission::kRead>(Method::kGet, W "/datasets/{dataset}", get_dataset,
                             {"Get a dataset by its id, NAME, NAME:VERSION or NAME:latest", "", "", "Dataset"}),
    route<Permission::kJob>(Method::kPatch, W "/datasets/{dataset}", change_dataset,
                            {"Change what is said of a registered version", "", "DatasetChange", "Dataset", 200, "If-Match"}),
    route<Permission::kWrite>(
        Method::kDelete, W "/datasets/{dataset}", delete_dataset,
        {"Delete NAME with all versions, or NAME:VERSION; refused while an unfinished run reads it", "", "", "", 204}),
    route<Permission::kRead>(
        Method::kGet, W "/datasets/{dataset}/content", get_content,
        {"Get the document with all files, as it is stored", "", "", "application/json", 200, "Range,If-None-Match"}),
    route<Permission::kRead>(Method::kGet, W "/datasets/{dataset}/runs", list_runs,
                             {"List the runs that read or made the dataset", "limit:integer,cursor:string", "", "DatasetUse[]"}),
    route<Permission::kRead>(
        Method::kGet, W "/runs/{run}/datasets", list_of_run,
        {"List the datasets that a run reads and has made", "limit:integer,cursor:string", "", "DatasetUse[]"}),
};
#undef W

}  // namespace

std::span<const Route> dataset_routes() { return kRoutes; }

}  // namespace werkbank::api
