// What a run reads and what it leaves behind, by name: datasets and places in datastores. Part of a run's specification.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hh"

namespace werkbank {

// How a script gets at data. direct: it is told the dataset's id. mount: a folder of the file system, read on demand. download:
// copied before the script starts. upload: a folder of its own that is copied when the script has ended. link: the script
// itself says which dataset it has made.
enum class DataMode { kDirect, kMount, kDownload, kUpload, kLink };
std::string_view to_string(DataMode mode);  // "direct" …

// A dataset (dataset_id set), or what lies at `path` in a datastore at the time the run starts.
struct RunInput {
  std::string name;  // letters, digits and _; the name of the variable that holds the path
  DataMode mode = DataMode::kMount;
  std::string dataset_id;
  std::string datastore, path;  // path "": all of the datastore
  std::string path_on_compute;  // empty: a folder of the run's own
  bool overwrite = false;       // of what is at path_on_compute
};

// A folder that the script fills. It goes to `path` in a datastore and is a dataset from then on.
struct RunOutput {
  std::string name;
  DataMode mode = DataMode::kMount;
  std::string datastore;  // empty: the workspace's default one
  std::string path;       // {run-id} and {output-name} are filled in at submit
  std::string path_on_compute;
  bool overwrite = false;
  std::vector<std::string> source_globs;  // empty: all
  std::string register_name;              // empty: the dataset is kept without a name
  std::string register_description;
  std::map<std::string, std::string> register_tags;
  json::object reader;  // how the files are read as a table; empty: as files
};

json::object to_json(const RunInput& input);
json::object to_json(const RunOutput& output);
// As the lists `inputs` and `outputs` of what is called `path`; nullptr: none. invalid_request names the field.
Result<std::vector<RunInput>> run_inputs_from_json(const json::array* list, const std::string& path);
Result<std::vector<RunOutput>> run_outputs_from_json(const json::array* list, const std::string& path);
// Names are unique among inputs and outputs.
Status check_data_ports(const std::vector<RunInput>& inputs, const std::vector<RunOutput>& outputs, const std::string& path);

}  // namespace werkbank
