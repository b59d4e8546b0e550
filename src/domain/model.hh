// A version of a registered model as a plain value. Its files are a manifest (domain/snapshot.hh) in the content store, shared
// with the outputs of the run they came from. Its id is "name:version".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/run.hh"

namespace werkbank {

// What a model was made with, in v1's words: a scenario ("training data") and the id of a dataset.
struct DatasetLink {
  std::string scenario, id;
  bool operator==(const DatasetLink&) const = default;
};

// What a service of the model asks for where nothing else is said; unset: not said.
struct ModelResources {
  std::optional<double> cpu, memory_gb;
  std::optional<int64_t> gpu;
  bool operator==(const ModelResources&) const = default;
};

struct ModelKey {
  std::string workspace, name;
  int64_t version = 0;  // 1, 2, 3 …; 0 in a question: the newest
  auto operator<=>(const ModelKey&) const = default;
};

struct Model {
  ModelKey key;  // the version is given by the store, and never given again
  std::string description;
  std::string framework, framework_version;  // "ScikitLearn", "0.22.1"; free text, empty: not said
  TextMap tags, properties;
  Hash content;  // the id of the manifest
  int64_t file_count = 0;
  uint64_t size_bytes = 0;
  std::string run_id, experiment;  // what it came from; empty: no run. The run may be deleted later
  std::string run_path;            // the run's file or folder; empty: the files were uploaded
  std::vector<DatasetLink> datasets;
  std::string sample_input, sample_output;  // ids of datasets
  ModelResources resources;
  std::string created_by;
  UtcMs created_ms = 0, modified_ms = 0;
  int64_t revision = 0;  // grows with every change: the ETag
};

// What uses a model and keeps it from being deleted: {"service", "digits"}, {"image", "digits:3"}.
struct ModelUser {
  std::string kind, name;
  auto operator<=>(const ModelUser&) const = default;
};

std::string model_id(const ModelKey& key);  // "name:version"
// "name" (the newest version) or "name:3"; invalid_request, name_refused.
Result<ModelKey> parse_model_id(std::string workspace, std::string_view text);

json::object to_json(const Model& model);
json::array to_json(const std::vector<DatasetLink>& datasets);
Result<std::vector<DatasetLink>> dataset_links_from_json(const json::value& value, const std::string& path);
json::value to_json(const ModelResources& resources);  // null where nothing is said
// null or an object; invalid_request for what is not positive.
Result<ModelResources> model_resources_from_json(const json::value& value, const std::string& path);

}  // namespace werkbank
