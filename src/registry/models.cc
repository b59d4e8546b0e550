#include "registry/models.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hh"
#include "content/snapshot_store.hh"
#include "domain/names.hh"
#include "lifecycle/submit.hh"
#include "lifecycle/workspace_removal.hh"
#include "registry/model_content.hh"

namespace werkbank::registry {
namespace {

constexpr std::string_view kAnswerKind = "model ";  // before the id in an idempotency record: runs have theirs there, too

Status note_event(store::Transaction& transaction, const Clock& clock, const Model& model, std::string type) {
  RunEvent event;
  event.workspace = model.key.workspace;
  event.type = std::move(type);
  event.at_ms = clock.utc_now_ms();
  event.data = {{"name", model.key.name}, {"version", model.key.version}, {"runId", model.run_id}};
  TRY([[maybe_unused]] const int64_t cursor, transaction.append_event(std::move(event)));
  return {};
}

Status check_workspace(store::Reader& reader, const std::string& name) {
  TRY(const auto workspace, reader.workspace(name));
  if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", name));
  return lifecycle::refuse_being_removed(reader, name);
}

Result<std::optional<Model>> repeated_model(store::Reader& reader, const Registration& registration) {
  if (registration.idempotency_key.empty()) return std::nullopt;
  const std::string& workspace = registration.model.key.workspace;
  TRY(const auto record, reader.idempotency(workspace, registration.idempotency_key));
  if (!record) return std::nullopt;
  if (record->request_hash != registration.request_hash || !record->answer.starts_with(kAnswerKind)) {
    return fail(errors::idempotency_conflict,
                fmt::format("the idempotency key {:?} was used with another request", registration.idempotency_key));
  }
  TRY(const ModelKey key, parse_model_id(workspace, std::string_view(record->answer).substr(kAnswerKind.size())));
  TRY(auto model, reader.models().find(key));
  if (!model) return fail(store::no_such_model(key));  // deleted since: not registered once more
  return model;
}

struct RunFiles {
  Run run;
  std::vector<Artifact> files;
};
Result<RunFiles> read_run_files(store::Reader& reader, const RunKey& key) {
  TRY(auto run, reader.run(key));
  if (!run || run->stage == LifecycleStage::kDeleted)
    return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
  TRY(auto files, reader.artifacts(key, ""));
  return RunFiles{std::move(*run), std::move(files)};
}

// The manifest of what is registered, stored. A run's blobs are named on the way, and so not collected meanwhile.
Result<SnapshotManifest> store_run_content(lifecycle::Services& services, const Registration& registration) {
  const RunKey key{registration.model.key.workspace, registration.model.run_id};
  const std::function<Result<RunFiles>(store::Reader&)> look = [&key](store::Reader& reader) {
    return read_run_files(reader, key);
  };
  TRY(const RunFiles found, store::read<RunFiles>(services.store, look));
  const std::string& path = registration.path.empty() ? registration.model.key.name : registration.path;
  TRY(SnapshotManifest manifest, manifest_of_run_files(found.run, found.files, path));
  TRY(const content::PutManifest put, content::put_manifest(services.blobs, *services.checked_snapshots, manifest.to_text()));
  if (put.missing.empty()) return manifest;
  return fail(errors::blob_not_found, fmt::format("{} of the files at {:?} of run {:?} are not in the content store any more",
                                                  put.missing.size(), path, key.run_id));
}

Result<SnapshotManifest> find_content(lifecycle::Services& services, const Registration& registration) {
  if (registration.snapshot_id.empty()) return store_run_content(services, registration);
  CHECK_OK(services.store.read([&registration](store::Reader& reader) {
    return lifecycle::check_snapshot_of(reader, registration.model.key.workspace, registration.snapshot_id);
  }));
  TRY(const Hash id, Hash::parse(registration.snapshot_id));
  TRY(SnapshotManifest manifest, content::get_manifest(services.blobs, id));
  if (manifest.entries.empty()) return fail(errors::invalid_request, "a model has at least one file; this snapshot is empty");
  for (const SnapshotEntry& entry : manifest.entries) CHECK_OK(RelativePath::parse(entry.path));  // a name that JSON can hold
  return manifest;
}

Result<Registered> record(store::Transaction& transaction, const Clock& clock, const Registration& registration) {
  Model model = registration.model;
  const std::string& workspace = model.key.workspace;
  CHECK_OK(check_workspace(transaction, workspace));
  TRY(auto repeated, repeated_model(transaction, registration));
  if (repeated) return Registered{std::move(*repeated), true};
  if (!registration.snapshot_id.empty())
    CHECK_OK(lifecycle::check_snapshot_of(transaction, workspace, registration.snapshot_id));  // not collected meanwhile
  if (!model.run_id.empty()) {
    TRY(const auto run, transaction.run({workspace, model.run_id}));
    if (!run) return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", model.run_id, workspace));
    model.experiment = run->experiment;
  }
  CHECK_OK(transaction.hold_blobs(workspace, {model.content}));
  TRY(model, transaction.edit_models().create(std::move(model)));
  CHECK_OK(note_event(transaction, clock, model, "model.registered"));
  if (!registration.idempotency_key.empty()) {
    CHECK_OK(transaction.put_idempotency({workspace, registration.idempotency_key, registration.request_hash,
                                          std::string(kAnswerKind) + model_id(model.key), model.created_ms}));
  }
  return Registered{std::move(model), false};
}

Status apply(Model& model, const ModelChange& change) {
  for (const auto& [key, value] : change.properties) {
    const auto [known, is_new] = model.properties.try_emplace(key, value);
    if (!is_new && known->second != value)
      return fail(errors::property_exists, fmt::format("the property {:?} is set to {:?} already", key, known->second));
  }
  if (change.replace_tags) model.tags.clear();
  for (const auto& [key, value] : change.tags) {
    if (value.is_null())
      model.tags.erase(std::string(key));
    else
      model.tags[std::string(key)] = std::string(value.get_string());
  }
  for (const DatasetLink& dataset : change.new_datasets) {
    if (std::ranges::find(model.datasets, dataset) == model.datasets.end()) model.datasets.push_back(dataset);
  }
  if (change.description) model.description = *change.description;
  if (change.framework) model.framework = *change.framework;
  if (change.framework_version) model.framework_version = *change.framework_version;
  if (change.sample_input) model.sample_input = *change.sample_input;
  if (change.sample_output) model.sample_output = *change.sample_output;
  if (change.resources) model.resources = *change.resources;
  if (!model.framework_version.empty() && model.framework.empty())
    return fail(errors::invalid_request, "frameworkVersion needs framework");
  return {};
}

}  // namespace

Result<Registration> registration_from_json(const json::value& value, const std::string& workspace) {
  JsonReader reader(value, "request");
  Registration registration;
  Model& model = registration.model;
  model.key = {workspace, reader.required_string("name"), 0};
  model.description = reader.string_or("description");
  model.framework = reader.string_or("framework");
  model.framework_version = reader.string_or("frameworkVersion");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) model.tags[key] = text;
  for (auto& [key, text] : reader.string_map_or_empty("properties")) model.properties[key] = text;
  model.run_id = reader.string_or("runId");
  registration.path = reader.string_or("path");
  registration.snapshot_id = reader.string_or("snapshotId");
  model.sample_input = reader.string_or("sampleInputDatasetId");
  model.sample_output = reader.string_or("sampleOutputDatasetId");
  const json::value* const datasets = reader.value("datasets");
  const json::value* const resources = reader.value("resourceConfiguration");
  if (model.run_id.empty() && registration.snapshot_id.empty())
    reader.refuse("runId", "is needed, with the path of a file or folder of that run; or snapshotId with files that were sent");
  if (!registration.path.empty() && !registration.snapshot_id.empty())
    reader.refuse("path", "is of a run's files: it does not go together with snapshotId");
  if (!model.framework_version.empty() && model.framework.empty()) reader.refuse("frameworkVersion", "needs framework");
  CHECK_OK(reader.finish());
  CHECK_OK(check_model_name(model.key.name));
  if (datasets != nullptr) {
    TRY(model.datasets, dataset_links_from_json(*datasets, "request.datasets"));
  }
  if (resources != nullptr) {
    TRY(model.resources, model_resources_from_json(*resources, "request.resourceConfiguration"));
  }
  return registration;
}

Task<Result<Registered>> register_model(lifecycle::Services& services, Registration registration) {
  using Known = std::optional<Model>;
  const std::function<Result<Known>(store::Reader&)> look = [&registration](store::Reader& reader) -> Result<Known> {
    CHECK_OK(check_workspace(reader, registration.model.key.workspace));
    return repeated_model(reader, registration);  // before the checks: the run may be gone by now
  };
  CO_TRY(Known known, store::read<Known>(services.store, look));
  if (known) co_return Registered{std::move(*known), true};
  const auto find = [&services, &registration] { return find_content(services, registration); };
  CO_TRY(const SnapshotManifest manifest, co_await services.pool.run(find));
  Model& model = registration.model;
  model.content = manifest.id();
  model.file_count = static_cast<int64_t>(manifest.entries.size());
  model.size_bytes = manifest.total_bytes();
  model.run_path = registration.snapshot_id.empty() && registration.path.empty() ? model.key.name : registration.path;
  model.created_ms = model.modified_ms = services.clock.utc_now_ms();
  const Clock& clock = services.clock;
  std::function<Result<Registered>(store::Transaction&)> apply_record = [registration, &clock](store::Transaction& transaction) {
    return record(transaction, clock, registration);
  };
  co_return co_await store::write<Registered>(services.store, std::move(apply_record));
}

Result<ModelChange> model_change_from_json(const json::value& value) {
  JsonReader reader(value, "request");
  ModelChange change;
  change.description = reader.optional_string("description");
  change.framework = reader.optional_string("framework");
  change.framework_version = reader.optional_string("frameworkVersion");
  change.sample_input = reader.optional_string("sampleInputDatasetId");
  change.sample_output = reader.optional_string("sampleOutputDatasetId");
  change.replace_tags = reader.bool_or("replaceTags", false);
  if (const json::object* const tags = reader.object("tags")) change.tags = *tags;
  for (const auto& [key, tag] : change.tags) {
    if (!tag.is_null() && !tag.is_string())
      reader.refuse("tags", fmt::format("{:?} is neither text nor null", std::string_view(key)));
  }
  for (auto& [key, text] : reader.string_map_or_empty("properties")) change.properties[key] = text;
  const json::value* const datasets = reader.value("addDatasets");
  const json::value* const resources = reader.value("resourceConfiguration");
  CHECK_OK(reader.finish());
  if (datasets != nullptr) {
    TRY(change.new_datasets, dataset_links_from_json(*datasets, "request.addDatasets"));
  }
  if (resources != nullptr) {
    TRY(change.resources, model_resources_from_json(*resources, "request.resourceConfiguration"));
  }
  return change;
}

Task<Result<Model>> change_model(lifecycle::Services& services, ModelKey key, ModelChange change) {
  const Clock& clock = services.clock;
  std::function<Result<Model>(store::Transaction&)> apply_change = [key, change,
                                                                    &clock](store::Transaction& transaction) -> Result<Model> {
    CHECK_OK(check_workspace(transaction, key.workspace));
    TRY(auto found, transaction.models().find(key));
    if (!found) return fail(store::no_such_model(key));
    Model model = std::move(*found);
    if (!change.if_match.empty() && change.if_match != "*" && change.if_match != fmt::format("\"{}\"", model.revision)) {
      return fail(errors::run_state_conflict,
                  fmt::format("model {:?} has changed meanwhile (revision {})", model_id(model.key), model.revision),
                  "Read it again and repeat the change.");
    }
    CHECK_OK(apply(model, change));
    model.modified_ms = clock.utc_now_ms();
    CHECK_OK(transaction.edit_models().update(model));
    CHECK_OK(note_event(transaction, clock, model, "model.changed"));
    return model;
  };
  co_return co_await store::write<Model>(services.store, std::move(apply_change));
}

Task<Status> delete_model(lifecycle::Services& services, ModelKey key) {
  const Clock& clock = services.clock;
  std::function<Status(store::Transaction&)> apply_removal = [key, &clock](store::Transaction& transaction) -> Status {
    CHECK_OK(check_workspace(transaction, key.workspace));
    TRY(const auto found, transaction.models().find(key));
    if (!found) return fail(store::no_such_model(key));
    CHECK_OK(transaction.edit_models().remove(key));
    return note_event(transaction, clock, *found, "model.deleted");
  };
  co_return co_await services.store.write(std::move(apply_removal));
}

}  // namespace werkbank::registry
