// What a runner needs to get at the data of its run, and what the run's outputs have become. Fenced like all runner routes; a
// runner gets the credentials of the datastores that its run uses, and no others.
#include <algorithm>

#include "api/datastore_access.hh"
#include "api/reading.hh"
#include "api/runner_sender.hh"
#include "api/schema_parts.hh"
#include "base/failpoint.hh"
#include "lifecycle/data_ports.hh"
#include "registry/datasets.hh"
#include "store/datasets.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Result<RunSpec> spec_of(store::Reader& reader, const RunKey& key) {
  TRY(auto spec, reader.run_spec(key));
  if (!spec) return fail(errors::run_not_found, fmt::format("the run {:?} has no specification", key.run_id));
  return std::move(*spec);
}

struct Needed {
  std::vector<store::DatastoreRecord> datastores;
  json::object datasets;  // id → the hash of its document
};

Result<Needed> needed_by(store::Reader& reader, const RunKey& key) {
  Needed needed;
  TRY(const RunSpec spec, spec_of(reader, key));
  TRY(const std::vector<std::string> names, lifecycle::datastores_of(reader, key.workspace, spec));
  for (const std::string& name : names) {
    TRY(store::DatastoreRecord record, find_datastore(reader, key.workspace, name));
    needed.datastores.push_back(std::move(record));
  }
  for (const RunInput& input : spec.inputs) {
    if (input.dataset_id.empty()) continue;
    TRY(const std::optional<Dataset> dataset, reader.datasets().saved(key.workspace, input.dataset_id));
    if (!dataset) return fail(store::no_such_dataset(key.workspace, input.dataset_id));
    needed.datasets[input.dataset_id] = dataset->content.hex();
  }
  return needed;
}

Task<Result<net::Response>> get_data(Api& api, Call& call) {
  CO_TRY([[maybe_unused]] const Sender sender, check_sender(api, call));
  const RunKey key = call.run();
  CO_TRY(const Needed needed, read<Needed>(api, [&key](store::Reader& reader) { return needed_by(reader, key); }));
  json::array datastores;
  for (const store::DatastoreRecord& record : needed.datastores) {
    CO_TRY(data::DataAccess access, access_to(api, record));
    if (access.datastore.kind == DatastoreKind::kFolder && !call.request.peer.unix_socket)
      access.datastore.settings.erase("path");
    json::object document = to_json(access.datastore);
    document["credential"] = credential_to_json(access.credential);
    datastores.push_back(std::move(document));
  }
  net::Response response = json_response(json::object{{"datastores", std::move(datastores)}, {"datasets", needed.datasets}});
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

struct StoredOutput {
  std::string name;
  json::array files;
};

struct StoredOutputs {
  std::vector<StoredOutput> outputs;
  bool ended_well = false;
};

Result<StoredOutputs> stored_outputs_from_json(const json::value& body) {
  JsonReader reader(body, "request");
  StoredOutputs stored;
  stored.ended_well = reader.bool_or("endedWell", false);
  const json::array* const outputs = reader.array("outputs");
  if (outputs == nullptr) reader.refuse("outputs", "is missing");
  CHECK_OK(reader.finish());
  for (const json::value& each : *outputs) {
    JsonReader entry(each, fmt::format("request.outputs[{}]", stored.outputs.size()));
    StoredOutput output;
    output.name = entry.required_string("name");
    if (const json::array* const files = entry.array("files")) output.files = *files;
    CHECK_OK(entry.finish());
    stored.outputs.push_back(std::move(output));
  }
  return stored;
}

// The dataset that an output has become.
Result<registry::NewDataset> dataset_of(const Run& run, const RunSpec& spec, const StoredOutput& stored) {
  const auto found = std::ranges::find(spec.outputs, stored.name, &RunOutput::name);
  if (found == spec.outputs.end())
    return fail(errors::invalid_request, fmt::format("the run {:?} has no output {:?}", run.key.run_id, stored.name));
  const RunOutput output = lifecycle::placed_output(*found, run.key);
  const bool is_table = !output.reader.empty();
  json::object document{{"kind", to_string(is_table ? DatasetKind::kTabular : DatasetKind::kFile)},
                        {"sources", json::array{json::object{{"datastore", output.datastore}, {"path", output.path}}}},
                        {"reader", output.reader},
                        {"steps", json::array()},
                        {"files", stored.files}};
  registry::NewDataset wanted{run.key.workspace, run.created_by, {}, std::nullopt};
  TRY(wanted.content, dataset_content_from_json(document, "output"));
  if (output.register_name.empty()) return wanted;
  CHECK_OK(check_dataset_name(output.register_name));
  wanted.registration =
      registry::DatasetRegistration{output.register_name, output.register_description, output.register_tags, true};
  return wanted;
}

// What was asked again, because its answer got lost, registers nothing twice.
Status drop_repeated_registration(store::Reader& reader, registry::NewDataset& wanted) {
  if (!wanted.registration) return {};
  TRY(const auto newest, reader.datasets().find({wanted.workspace, wanted.registration->name, 0}));
  if (!newest) return {};
  const Hash content = Hash::of(canonical_json(to_json(wanted.content)));
  if (newest->dataset.id == dataset_id(content)) wanted.registration.reset();
  return {};
}

Task<Status> note_output(Api& api, RunKey run, std::string dataset_id, std::string port, DataMode mode) {
  const DatasetUse use{std::move(run), std::move(dataset_id), true, std::move(port), std::string(to_string(mode))};
  std::function<Status(store::Transaction&)> apply = [use](store::Transaction& transaction) {
    return transaction.edit_datasets().note_use(use);
  };
  co_return co_await api.services.store.write(std::move(apply));
}

Task<Result<net::Response>> take_outputs(Api& api, Call& call) {
  CO_TRY([[maybe_unused]] const Sender sender, check_sender(api, call));
  CO_TRY(const json::value body, co_await json_body(call, registry::kDatasetBytesMax));
  CO_TRY(const StoredOutputs stored, stored_outputs_from_json(body));
  const RunKey key = call.run();
  CO_TRY(const Run run, find_run(api, key));
  CO_TRY(const RunSpec spec, read<RunSpec>(api, [&key](store::Reader& reader) { return spec_of(reader, key); }));
  json::array datasets;
  for (const StoredOutput& output : stored.outputs) {
    CO_TRY(registry::NewDataset wanted, dataset_of(run, spec, output));
    if (!stored.ended_well) wanted.registration.reset();
    CO_CHECK_OK(api.services.store.read([&wanted](store::Reader& reader) { return drop_repeated_registration(reader, wanted); }));
    CO_TRY(const registry::SavedDataset saved, co_await registry::save_dataset(api.services, std::move(wanted)));
    failpoint_kill("outputs.after_save");
    const DataMode mode = std::ranges::find(spec.outputs, output.name, &RunOutput::name)->mode;
    RunKey of_run = key;
    std::string id = saved.dataset.id, port = output.name;
    CO_CHECK_OK(co_await note_output(api, std::move(of_run), std::move(id), std::move(port), mode));
    datasets.push_back(json::value(saved.dataset.id));
  }
  co_return json_response(json::object{{"datasets", std::move(datasets)}});
}

// What a script itself says its output has become: LinkFileOutputDatasetConfig, output_datasets[…].link().
Task<Result<net::Response>> link_output(Api& api, Call& call) {
  CO_TRY(const json::value body, co_await json_body(call));
  JsonReader reader(body, "request");
  std::string port = reader.required_string("port");
  std::string id = reader.required_string("datasetId");
  CO_CHECK_OK(reader.finish());
  RunKey key = call.run();
  CO_CHECK_OK(co_await note_output(api, std::move(key), std::move(id), std::move(port), DataMode::kLink));
  co_return no_content();
}

#define RUNNER "/api/v1/workspaces/{workspace}/runs/{run}/runner"
constexpr Route kRoutes[] = {
    route<Permission::kRunner>(Method::kGet, RUNNER "/data", get_data,
                               {"The way to the data of the run: its datastores, credentials included, and its datasets",
                                "attempt:integer,rank:integer,lease:string", "", "RunnerData"}),
    route<Permission::kRunner>(Method::kPost, RUNNER "/outputs", take_outputs,
                               {"Outputs that lie in their datastores: each becomes a dataset",
                                "attempt:integer,rank:integer,lease:string", "StoredOutputs", "OutputDatasets"}),
    route<Permission::kWrite>(Method::kPost, "/api/v1/workspaces/{workspace}/runs/{run}/datasets", link_output,
                              {"Note a dataset that the run has made", "", "OutputLink", "", 204}),
};
#undef RUNNER

}  // namespace

std::span<const Route> runner_data_routes() { return kRoutes; }

std::string_view runner_data_schemas() {
  static constexpr std::string_view kSchemas = R"json({
"RunnerData": {
  "type": "object", "required": ["datastores", "datasets"],
  "properties": {
    "datastores": {"type": "array", "items": {"$ref": "#/components/schemas/DatastoreAccess"}},
    "datasets": {"type": "object", "additionalProperties": {"type": "string"}}
  }
},
"StoredOutputs": {
  "type": "object", "required": ["outputs"], "additionalProperties": false,
  "properties": {
    "endedWell": {"type": "boolean"},
    "outputs": {
      "type": "array",
      "items": {
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "files": {"type": "array", "items": {"type": "object"}}}
      }
    }
  }
},
"OutputDatasets": {
  "type": "object", "required": ["datasets"], "properties": {"datasets": {"$ref": "#/components/schemas/Texts"}}
},
"OutputLink": {
  "type": "object", "required": ["port", "datasetId"], "additionalProperties": false,
  "properties": {"port": {"type": "string"}, "datasetId": {"type": "string"}}
}
})json";
  return kSchemas;
}

}  // namespace werkbank::api
