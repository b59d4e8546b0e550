// What saving, registering, changing and deleting a dataset mean. Each is one transaction that also notes its events
// ("dataset.created" where the content was new, "dataset.registered", "dataset.changed", "dataset.deleted"; data: datasetId,
// and name and version where it has them).
#pragma once

#include <optional>
#include <string>

#include "lifecycle/services.hh"
#include "store/datasets.hh"

namespace werkbank::registry {

// The body of a request may be as large as this: it lists every file.
inline constexpr size_t kDatasetBytesMax = 256 * 1024 * 1024;

struct DatasetRegistration {
  std::string name, description;
  TextMap tags;
  bool create_new_version = false;
};

struct NewDataset {
  std::string workspace, created_by;
  DatasetContent content;
  std::optional<DatasetRegistration> registration;
};
// A document (docs/reference/datasets.md), and beside its fields perhaps `register`. invalid_request, name_refused, path_refused.
Result<NewDataset> new_dataset_from_json(json::value value, std::string workspace);

struct SavedDataset {
  Dataset dataset;
  std::optional<DatasetVersion> version;  // where it was registered
  bool is_new = false;                    // the content, or the version
};
// dataset_exists: the name is known with other content, and no new version was asked for.
Task<Result<SavedDataset>> save_dataset(lifecycle::Services& services, NewDataset wanted);

// What a reference means: a registered version, or what was saved only.
struct FoundDataset {
  Dataset dataset;
  std::optional<DatasetVersion> version;
};
json::object to_json(const FoundDataset& found);
// `reference`: an id, NAME, NAME:VERSION or NAME:latest. dataset_not_found names the nearest; invalid_request, name_refused.
Result<FoundDataset> find_dataset(store::Reader& reader, const std::string& workspace, const std::string& reference);

// What is unset stays.
struct DatasetChange {
  std::optional<std::string> description;
  json::object tags;     // null takes one away
  std::string if_match;  // a revision in quotes, "*" or empty: whatever there is
};
Result<DatasetChange> dataset_change_from_json(const json::value& value);
// Of registered ones only: invalid_request else. dataset_not_found, run_state_conflict (if_match).
Task<Result<DatasetVersion>> change_dataset(lifecycle::Services& services, std::string workspace, std::string reference,
                                            DatasetChange change);

// NAME: all its versions; NAME:VERSION and NAME:latest: that one. What was saved stays for the runs that used it.
// dataset_not_found, dataset_in_use.
Task<Status> delete_dataset(lifecycle::Services& services, std::string workspace, std::string reference);

}  // namespace werkbank::registry
