#include "registry/datasets.hh"

#include <fmt/format.h>

#include <algorithm>

#include "lifecycle/workspace_removal.hh"

namespace werkbank::registry {
namespace {

Status note_event(store::Transaction& transaction, const Clock& clock, const std::string& workspace, std::string type,
                  json::object data) {
  RunEvent event;
  event.workspace = workspace;
  event.type = std::move(type);
  event.at_ms = clock.utc_now_ms();
  event.data = std::move(data);
  TRY([[maybe_unused]] const int64_t cursor, transaction.append_event(std::move(event)));
  return {};
}

json::object facts_of(const DatasetVersion& version) {
  return {{"datasetId", version.dataset.id}, {"name", version.key.name}, {"version", version.key.version}};
}

Status check_workspace(store::Reader& reader, const std::string& name) {
  TRY(const auto workspace, reader.workspace(name));
  if (!workspace) return fail(errors::workspace_not_found, fmt::format("there is no workspace {:?}", name));
  return lifecycle::refuse_being_removed(reader, name);
}

Status each_version(store::Reader& reader, const std::string& workspace, const std::string& name,
                    const std::function<Status(const DatasetVersion&)>& visit) {
  store::DatasetQuery query;
  query.workspace = workspace;
  query.name = name;
  query.limit = 1000;
  do {
    TRY(const auto page, reader.datasets().list(query));
    for (const DatasetVersion& version : page.items) CHECK_OK(visit(version));
    query.cursor = page.next;
  } while (!query.cursor.empty());
  return {};
}

Result<std::optional<std::string>> nearest_name(store::Reader& reader, const std::string& workspace, const std::string& name) {
  std::vector<std::string> names;
  CHECK_OK(each_version(reader, workspace, "", [&names](const DatasetVersion& version) -> Status {
    names.push_back(version.key.name);
    return {};
  }));
  return nearest_word(name, names);
}

Result<DatasetVersion> find_version(store::Reader& reader, const DatasetKey& key) {
  TRY(auto found, reader.datasets().find(key));
  if (found) return std::move(*found);
  Error error = store::no_such_dataset(key);
  TRY(const auto known, reader.datasets().find({key.workspace, key.name, 0}));
  if (known) {
    error.hint = fmt::format("Its newest version is {}; `werkbank dataset versions` lists them.", known->key.version);
    return fail(std::move(error));
  }
  TRY(const std::optional<std::string> near, nearest_name(reader, key.workspace, key.name));
  if (near) error.hint = fmt::format("Did you mean {:?}?", *near);
  return fail(std::move(error));
}

Result<Dataset> make_dataset(lifecycle::Services& services, const NewDataset& wanted) {
  Dataset dataset;
  dataset.workspace = wanted.workspace;
  dataset.kind = wanted.content.kind;
  dataset.created_by = wanted.created_by;
  dataset.created_ms = services.clock.utc_now_ms();
  json::object document = werkbank::to_json(wanted.content);
  TRY(dataset.content, content::put_blob(services.blobs, canonical_json(document)));
  dataset.id = dataset_id(dataset.content);
  document.erase("files");
  dataset.definition = std::move(document);
  dataset.file_count = std::ssize(wanted.content.files);
  for (const DatasetFile& file : wanted.content.files) dataset.size_bytes += file.size_bytes;
  return dataset;
}

// The version of the name that is this dataset already, or nothing where a new one is to be made.
Result<std::optional<DatasetVersion>> known_version(store::Reader& reader, const Dataset& dataset,
                                                    const DatasetRegistration& wanted) {
  TRY(const auto newest, reader.datasets().find({dataset.workspace, wanted.name, 0}));
  if (!newest || wanted.create_new_version) return std::nullopt;
  std::optional<DatasetVersion> same;
  CHECK_OK(each_version(reader, dataset.workspace, wanted.name, [&](const DatasetVersion& version) -> Status {
    if (!same && version.dataset.id == dataset.id) same = version;
    return {};
  }));
  if (same) return same;
  return fail(errors::dataset_exists, fmt::format("there is a dataset {:?} in workspace {:?} already, with other content",
                                                  wanted.name, dataset.workspace));
}

Result<SavedDataset> record(store::Transaction& transaction, const Clock& clock, const Dataset& wanted,
                            const std::optional<DatasetRegistration>& registration) {
  const std::string& workspace = wanted.workspace;
  CHECK_OK(check_workspace(transaction, workspace));
  SavedDataset outcome;
  if (registration) {
    TRY(outcome.version, known_version(transaction, wanted, *registration));
  }
  TRY(const auto known, transaction.datasets().saved(workspace, wanted.id));
  CHECK_OK(transaction.hold_blobs(workspace, {wanted.content}));
  TRY(outcome.dataset, transaction.edit_datasets().save(wanted));
  if (!known) {
    outcome.is_new = true;
    CHECK_OK(note_event(transaction, clock, workspace, "dataset.created", {{"datasetId", wanted.id}}));
  }
  if (!registration || outcome.version) return outcome;
  DatasetVersion version;
  version.key = {workspace, registration->name, 0};
  version.dataset = outcome.dataset;
  version.description = registration->description;
  version.tags = registration->tags;
  version.created_by = wanted.created_by;
  version.created_ms = version.modified_ms = clock.utc_now_ms();
  TRY(version, transaction.edit_datasets().register_version(std::move(version)));
  CHECK_OK(note_event(transaction, clock, workspace, "dataset.registered", facts_of(version)));
  outcome.version = std::move(version);
  outcome.is_new = true;
  return outcome;
}

Result<DatasetRegistration> registration_from_json(const json::value& value) {
  JsonReader reader(value, "request.register");
  DatasetRegistration registration;
  registration.name = reader.required_string("name");
  registration.description = reader.string_or("description");
  for (auto& [key, text] : reader.string_map_or_empty("tags")) registration.tags[key] = text;
  registration.create_new_version = reader.bool_or("createNewVersion", false);
  CHECK_OK(reader.finish());
  CHECK_OK(check_dataset_name(registration.name));
  return registration;
}

Status refuse_in_use(store::Reader& reader, const std::string& workspace, const DatasetVersion& version) {
  TRY(const std::vector<RunKey> readers, reader.datasets().unfinished_readers(workspace, version.dataset.id));
  if (readers.empty()) return {};
  return fail(errors::dataset_in_use,
              fmt::format("{:?} version {} is read by run {:?}{}", version.key.name, version.key.version, readers[0].run_id,
                          readers.size() > 1 ? fmt::format(" and {} more", readers.size() - 1) : ""));
}

Error needs_name(const std::string& reference) {
  return Error{&errors::invalid_request,
               fmt::format("{:?} is no registered dataset: only what has a name is changed or deleted", reference),
               "Register it first, or name it: NAME:VERSION.",
               {}};
}

// The versions that a reference means when something is deleted.
Result<std::vector<DatasetVersion>> versions_of(store::Reader& reader, const std::string& workspace,
                                                const std::string& reference) {
  if (is_dataset_id(reference)) return fail(needs_name(reference));
  TRY(const DatasetKey key, parse_dataset_reference(workspace, reference));
  TRY(DatasetVersion version, find_version(reader, key));
  std::vector<DatasetVersion> versions;
  if (reference.contains(':')) {
    versions.push_back(std::move(version));
    return versions;
  }
  CHECK_OK(each_version(reader, workspace, key.name, [&versions](const DatasetVersion& each) -> Status {
    versions.push_back(each);
    return {};
  }));
  return versions;
}

}  // namespace

Result<NewDataset> new_dataset_from_json(json::value value, std::string workspace) {
  NewDataset wanted;
  wanted.workspace = std::move(workspace);
  if (json::object* const document = value.if_object()) {
    const auto part = document->find("register");
    if (part != document->end() && !part->value().is_null()) {
      TRY(wanted.registration, registration_from_json(part->value()));
    }
    document->erase("register");
  }
  TRY(wanted.content, dataset_content_from_json(value, "request"));
  return wanted;
}

Task<Result<SavedDataset>> save_dataset(lifecycle::Services& services, NewDataset wanted) {
  const std::function<Status(store::Reader&)> look = [&wanted](store::Reader& reader) {
    return check_workspace(reader, wanted.workspace);
  };
  CO_CHECK_OK(services.store.read(look));
  const auto make = [&services, &wanted] { return make_dataset(services, wanted); };
  CO_TRY(const Dataset dataset, co_await services.pool.run(make));
  const Clock& clock = services.clock;
  std::function<Result<SavedDataset>(store::Transaction&)> apply_record = [dataset, registration = wanted.registration,
                                                                           &clock](store::Transaction& transaction) {
    return record(transaction, clock, dataset, registration);
  };
  co_return co_await store::write<SavedDataset>(services.store, std::move(apply_record));
}

json::object to_json(const FoundDataset& found) {
  return found.version ? werkbank::to_json(*found.version) : werkbank::to_json(found.dataset);
}

Result<FoundDataset> find_dataset(store::Reader& reader, const std::string& workspace, const std::string& reference) {
  CHECK_OK(check_workspace(reader, workspace));
  if (!is_dataset_id(reference)) {
    TRY(const DatasetKey key, parse_dataset_reference(workspace, reference));
    TRY(DatasetVersion version, find_version(reader, key));
    Dataset dataset = version.dataset;
    return FoundDataset{std::move(dataset), std::move(version)};
  }
  TRY(auto saved, reader.datasets().saved(workspace, reference));
  if (!saved) return fail(store::no_such_dataset(workspace, reference));
  TRY(auto version, reader.datasets().find_by_id(workspace, reference));
  return FoundDataset{std::move(*saved), std::move(version)};
}

Result<DatasetChange> dataset_change_from_json(const json::value& value) {
  JsonReader reader(value, "request");
  DatasetChange change;
  change.description = reader.optional_string("description");
  if (const json::object* const tags = reader.object("tags")) change.tags = *tags;
  for (const auto& [key, tag] : change.tags) {
    if (!tag.is_null() && !tag.is_string())
      reader.refuse("tags", fmt::format("{:?} is neither text nor null", std::string_view(key)));
  }
  CHECK_OK(reader.finish());
  return change;
}

Task<Result<DatasetVersion>> change_dataset(lifecycle::Services& services, std::string workspace, std::string reference,
                                            DatasetChange change) {
  const Clock& clock = services.clock;
  std::function<Result<DatasetVersion>(store::Transaction&)> apply_change =
      [workspace, reference, change, &clock](store::Transaction& transaction) -> Result<DatasetVersion> {
    TRY(FoundDataset found, find_dataset(transaction, workspace, reference));
    if (!found.version) return fail(needs_name(reference));
    DatasetVersion version = std::move(*found.version);
    if (!change.if_match.empty() && change.if_match != "*" && change.if_match != fmt::format("\"{}\"", version.revision)) {
      return fail(errors::run_state_conflict,
                  fmt::format("dataset {:?} version {} has changed meanwhile (revision {})", version.key.name,
                              version.key.version, version.revision),
                  "Read it again and repeat the change.");
    }
    if (change.description) version.description = *change.description;
    for (const auto& [key, value] : change.tags) {
      if (value.is_null())
        version.tags.erase(std::string(key));
      else
        version.tags[std::string(key)] = std::string(value.get_string());
    }
    version.modified_ms = clock.utc_now_ms();
    CHECK_OK(transaction.edit_datasets().update(version));
    CHECK_OK(note_event(transaction, clock, workspace, "dataset.changed", facts_of(version)));
    return version;
  };
  co_return co_await store::write<DatasetVersion>(services.store, std::move(apply_change));
}

Task<Status> delete_dataset(lifecycle::Services& services, std::string workspace, std::string reference) {
  const Clock& clock = services.clock;
  std::function<Status(store::Transaction&)> apply_removal = [workspace, reference,
                                                              &clock](store::Transaction& transaction) -> Status {
    CHECK_OK(check_workspace(transaction, workspace));
    TRY(const std::vector<DatasetVersion> versions, versions_of(transaction, workspace, reference));
    for (const DatasetVersion& version : versions) CHECK_OK(refuse_in_use(transaction, workspace, version));
    for (const DatasetVersion& version : versions) {
      CHECK_OK(transaction.edit_datasets().remove(version.key));
      CHECK_OK(note_event(transaction, clock, workspace, "dataset.deleted", facts_of(version)));
    }
    return {};
  };
  co_return co_await services.store.write(std::move(apply_removal));
}

}  // namespace werkbank::registry
