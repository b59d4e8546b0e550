// Registered models, for both command lines.
#pragma once

#include "cli/context.hh"

namespace werkbank::cli {

struct ModelRequest {
  std::string name;
  std::string path;  // of the run where `path_in_run`, otherwise a file or folder here
  std::string run;   // what the model came from; empty: no run
  bool path_in_run = false;
  std::string description, framework, framework_version;
  std::vector<std::string> tags, properties;  // NAME=VALUE, or NAME
  std::string sample_input, sample_output;    // datasets' ids
  std::optional<double> cpu, memory_gb;       // what a service of it takes
  std::optional<int64_t> gpu;
};
// The document of the new version. Repeatable: a connection that breaks does not make two.
Result<json::value> register_model(Context& context, const ModelRequest& request);

struct ModelFilters {
  std::string name, run, framework, dataset;  // empty: any
  std::vector<std::string> tags, properties;  // NAME or NAME=VALUE; all must match
  bool latest = false;                        // of each name only the newest version
};
// The address of the list of those models, the last registered first.
Result<std::string> models_route(Context& context, const ModelFilters& filters);

// "/models/<model>" below the workspace's route; `model` is NAME or NAME:VERSION.
Result<std::string> model_route(Context& context, const std::string& model);
Result<json::value> fetch_model(Context& context, const std::string& model);
// NAME:VERSION of what may be a name alone: the newest version.
Result<std::string> model_id_of(Context& context, const std::string& model);
// Its files below `folder`, as download_files() answers them.
Result<json::array> download_model(Context& context, const std::string& model, const std::string& folder, bool overwrite);
Status delete_model(Context& context, const std::string& model);
std::vector<Column> model_columns();

// NAME=VALUE or NAME, as an object; usage for one without a name.
Result<json::object> labels_from(const std::vector<std::string>& texts, std::string_view what);

}  // namespace werkbank::cli
