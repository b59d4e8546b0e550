// What registering, changing and deleting a model mean. Each is one transaction that also notes its event ("model.registered",
// "model.changed", "model.deleted"; data: name, version, runId).
#pragma once

#include "lifecycle/services.hh"
#include "store/models.hh"

namespace werkbank::registry {

struct Registration {
  Model model;              // what is said of it: name, labels, model.run_id … The rest is filled in here
  std::string snapshot_id;  // the files, a snapshot that the workspace has; or empty:
  std::string path;         // a file or folder of the run model.run_id; empty: of the model's name
  std::string idempotency_key, request_hash;
};
// Checked as far as it can be without the store: invalid_request, name_refused.
Result<Registration> registration_from_json(const json::value& value, const std::string& workspace);

struct Registered {
  Model model;
  bool repeated = false;  // the same request came before
};
// run_not_found, model_path_not_found, snapshot_not_found, idempotency_conflict. Content is shared, never copied.
Task<Result<Registered>> register_model(lifecycle::Services& services, Registration registration);

// What is unset stays.
struct ModelChange {
  std::optional<std::string> description, framework, framework_version, sample_input, sample_output;
  json::object tags;          // null takes one away
  bool replace_tags = false;  // tags that are not named go
  TextMap properties;         // each can be set once
  std::vector<DatasetLink> new_datasets;
  std::optional<ModelResources> resources;
  std::string if_match;  // a revision in quotes, "*" or empty: whatever there is
};
Result<ModelChange> model_change_from_json(const json::value& value);
// model_not_found, property_exists, run_state_conflict (if_match).
Task<Result<Model>> change_model(lifecycle::Services& services, ModelKey key, ModelChange change);

Task<Status> delete_model(lifecycle::Services& services, ModelKey key);  // model_not_found, model_in_use

}  // namespace werkbank::registry
