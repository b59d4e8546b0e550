#include "lifecycle/data_ports.hh"

#include <fmt/format.h>

#include <algorithm>

#include "store/datasets.hh"
#include "store/datastores.hh"

namespace werkbank::lifecycle {
namespace {

// Where outputs go that name no place, as in v1.
constexpr std::string_view kOutputPath = "dataset/{run-id}/{output-name}";

Status check_datastore_is_there(store::Reader& reader, const Workspace& workspace, const std::string& name) {
  if (own_datastore(workspace, name)) return {};
  TRY(const auto found, reader.datastores().find(workspace.name, name));
  if (found) return {};
  return fail(errors::datastore_not_found, fmt::format("there is no datastore {:?} in workspace {:?}", name, workspace.name));
}

// An id, or the name of a registered version; the id is what the run is kept with.
Result<std::string> id_of_dataset(store::Reader& reader, const std::string& workspace, const std::string& reference) {
  if (!is_dataset_id(reference)) {
    TRY(const DatasetKey key, parse_dataset_reference(workspace, reference));
    TRY(const std::optional<DatasetVersion> version, reader.datasets().find(key));
    if (!version) return fail(store::no_such_dataset(key));
    return version->dataset.id;
  }
  TRY(const std::optional<Dataset> dataset, reader.datasets().saved(workspace, reference));
  if (!dataset) return fail(store::no_such_dataset(workspace, reference));
  return reference;
}

// Processes of one run would write to one place of a datastore, and link one path to a folder of each.
Status check_shared_ports(const RunSpec& spec) {
  if (process_count(spec) <= 1) return {};
  for (const RunOutput& output : spec.outputs) {
    if (output.mode == DataMode::kLink) continue;
    return fail(errors::not_supported,
                fmt::format("output {:?}: a run of several processes has no outputs in datastores", output.name),
                "Write below outputs/, or let one process upload with Datastore.upload.");
  }
  for (const RunInput& input : spec.inputs) {
    if (!input.path_on_compute.starts_with('/')) continue;
    return fail(errors::not_supported,
                fmt::format("input {:?}: the processes of a run cannot share the path {:?}", input.name, input.path_on_compute),
                "Leave path_on_compute out, or give a relative one: each process is told where its data is.");
  }
  return {};
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

}  // namespace

Status settle_data_ports(store::Reader& reader, const std::string& workspace, RunSpec& spec) {
  if (spec.inputs.empty() && spec.outputs.empty()) return {};
  CHECK_OK(check_shared_ports(spec));
  TRY(const std::optional<Workspace> known, reader.workspace(workspace));
  if (!known) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", workspace));
  for (RunInput& input : spec.inputs) {
    if (input.dataset_id.empty()) {
      CHECK_OK(check_datastore_is_there(reader, *known, input.datastore));
      continue;
    }
    TRY(input.dataset_id, id_of_dataset(reader, workspace, input.dataset_id));
  }
  for (RunOutput& output : spec.outputs) {
    if (output.datastore.empty()) {
      TRY(output.datastore, reader.datastores().default_name(workspace));
      if (output.datastore.empty()) output.datastore = kWorkspaceBlobStore;
    }
    CHECK_OK(check_datastore_is_there(reader, *known, output.datastore));
    if (!output.register_name.empty()) CHECK_OK(check_dataset_name(output.register_name));
  }
  return {};
}

Status note_inputs(store::Transaction& transaction, const RunKey& run, const RunSpec& spec) {
  for (const RunInput& input : spec.inputs) {
    if (input.dataset_id.empty()) continue;
    CHECK_OK(
        transaction.edit_datasets().note_use({run, input.dataset_id, false, input.name, std::string(to_string(input.mode))}));
  }
  return {};
}

RunOutput placed_output(const RunOutput& output, const RunKey& run) {
  RunOutput placed = output;
  if (placed.path.empty()) placed.path = kOutputPath;
  replace_all(placed.path, "{run-id}", run.run_id);
  replace_all(placed.path, "{output-name}", output.name);
  return placed;
}

Result<std::vector<std::string>> datastores_of(store::Reader& reader, const std::string& workspace, const RunSpec& spec) {
  std::vector<std::string> names;
  for (const RunInput& input : spec.inputs) {
    if (!input.datastore.empty()) names.push_back(input.datastore);
    if (input.dataset_id.empty()) continue;
    TRY(const std::optional<Dataset> dataset, reader.datasets().saved(workspace, input.dataset_id));
    if (!dataset) return fail(store::no_such_dataset(workspace, input.dataset_id));
    const json::value* const sources = dataset->definition.if_contains("sources");
    if (sources == nullptr || !sources->is_array()) continue;
    for (const json::value& source : sources->get_array()) {
      const json::value* const name = source.is_object() ? source.get_object().if_contains("datastore") : nullptr;
      if (name != nullptr && name->is_string()) names.emplace_back(name->get_string());
    }
  }
  for (const RunOutput& output : spec.outputs) names.push_back(output.datastore);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

}  // namespace werkbank::lifecycle
