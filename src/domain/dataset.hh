// A dataset: files, or a table in files, as they were when it was made. What it is made of (definition) and each file of it with
// its size and etag (manifest) are one document in the content store, which never changes; its id is made of that document.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/run.hh"

namespace werkbank {

enum class DatasetKind { kFile, kTabular };
std::string_view to_string(DatasetKind kind);  // "file", "tabular"
std::optional<DatasetKind> parse_dataset_kind(std::string_view text);

// Where files come from: a datastore and a path or pattern in it, or a URL.
struct DatasetSource {
  std::string datastore, path;
  std::string url;
};

struct DatasetFile {
  int64_t source = 0;  // the index of its source
  std::string path;    // in the datastore; the whole URL where the source is one
  std::string name;    // below the folder that a script is given; unique in the dataset
  uint64_t size_bytes = 0;
  std::string etag;  // of the store, changes when the content does
  std::string hash;  // "md5:…" or "blake2b:…", where it is known
};

// The document (docs/reference/datasets.md).
struct DatasetContent {
  DatasetKind kind = DatasetKind::kFile;
  std::vector<DatasetSource> sources;
  json::object reader;  // tabular: the format and its options
  json::array steps;    // tabular: what is done to the table, in order
  std::vector<DatasetFile> files;
};
json::object to_json(const DatasetContent& content);
// invalid_request names the field; path_refused.
Result<DatasetContent> dataset_content_from_json(const json::value& value, const std::string& path);
json::object to_json(const DatasetFile& file);

struct Dataset {
  std::string workspace;
  std::string id;  // of its content; dataset_id()
  DatasetKind kind = DatasetKind::kFile;
  json::object definition;  // the document without its files
  Hash content;             // the blob that holds the document
  int64_t file_count = 0;
  uint64_t size_bytes = 0;
  std::string created_by;
  UtcMs created_ms = 0;
};
std::string dataset_id(const Hash& content);  // as a UUID
bool is_dataset_id(std::string_view text);

struct DatasetKey {
  std::string workspace, name;
  int64_t version = 0;  // 1, 2, 3 …; 0 in a question: the newest
  auto operator<=>(const DatasetKey&) const = default;
};

// A registered version.
struct DatasetVersion {
  DatasetKey key;
  Dataset dataset;
  std::string description;
  TextMap tags;
  std::string created_by;
  UtcMs created_ms = 0, modified_ms = 0;
  int64_t revision = 0;
};

// A run and a dataset that it read or made.
struct DatasetUse {
  RunKey run;
  std::string dataset_id;
  bool is_output = false;
  std::string port;  // the name of the input or output
  std::string mode;
  auto operator<=>(const DatasetUse&) const = default;
};

Status check_dataset_name(std::string_view name);  // 1 to 255 bytes, no '/', ':' or control characters; name_refused
// "name", "name:3" or "name:latest"; invalid_request, name_refused.
Result<DatasetKey> parse_dataset_reference(std::string workspace, std::string_view text);

json::object to_json(const Dataset& dataset);         // name and version are null
json::object to_json(const DatasetVersion& version);  // the same with name, version, description, tags
json::object to_json(const DatasetUse& use);

}  // namespace werkbank
