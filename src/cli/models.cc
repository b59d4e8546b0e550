#include "cli/models.hh"

#include <fmt/format.h>

#include "cli/command.hh"
#include "cli/run_download.hh"
#include "cli/snapshot_taking.hh"

namespace werkbank::cli {

Result<json::object> labels_from(const std::vector<std::string>& texts, std::string_view what) {
  json::object labels;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || text.empty()) return fail(errors::usage, fmt::format("the {} {:?} has no name", what, text));
    labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return labels;
}

Result<json::value> register_model(Context& context, const ModelRequest& request) {
  TRY(json::object tags, labels_from(request.tags, "tag"));
  TRY(json::object properties, labels_from(request.properties, "property"));
  TRY(const std::string workspace, context.workspace());
  json::object body{{"name", request.name},           {"description", request.description},
                    {"framework", request.framework}, {"frameworkVersion", request.framework_version},
                    {"tags", std::move(tags)},        {"properties", std::move(properties)}};
  if (!request.run.empty()) body["runId"] = request.run;
  if (!request.sample_input.empty()) body["sampleInputDatasetId"] = request.sample_input;
  if (!request.sample_output.empty()) body["sampleOutputDatasetId"] = request.sample_output;
  json::object resources;
  if (request.cpu) resources["cpu"] = *request.cpu;
  if (request.memory_gb) resources["memoryInGb"] = *request.memory_gb;
  if (request.gpu) resources["gpu"] = *request.gpu;
  if (!resources.empty()) body["resourceConfiguration"] = std::move(resources);
  if (request.path_in_run) {
    body["path"] = request.path;
  } else {
    CHECK_OK(context.ensure_workspace(workspace));
    TRY(const client::SnapshotResult taken, push_path(context, workspace, request.path));
    body["snapshotId"] = taken.snapshot_id;
  }
  TRY(const std::string target, context.route("/models"));
  TRY(client::Session* const server, context.session());
  return server->send_json(net::Method::kPost, target, body, random_uuid());
}

Result<std::string> model_route(Context& context, const std::string& model) {
  return context.route("/models/" + net::encode_segment(model));
}

Result<json::value> fetch_model(Context& context, const std::string& model) {
  TRY(const std::string target, model_route(context, model));
  TRY(client::Session* const server, context.session());
  return server->get(target);
}

Result<std::string> model_id_of(Context& context, const std::string& model) {
  if (model.find(':') != std::string::npos) return model;
  TRY(const json::value document, fetch_model(context, model));
  const json::value* const id = document.is_object() ? find_field(document.as_object(), "id") : nullptr;
  if (id == nullptr) return fail(errors::unavailable, "the server's answer is no model");
  return plain_text(*id);
}

Result<json::array> download_model(Context& context, const std::string& model, const std::string& folder, bool overwrite) {
  TRY(const std::string id, model_id_of(context, model));  // one version for all files
  TRY(const std::string target, model_route(context, id));
  const DownloadRequest request{.run = {}, .folder = folder, .prefix = {}, .paths = {}, .overwrite = overwrite};
  return download_files(context, target, fmt::format("model {:?}", id), request);
}

Status delete_model(Context& context, const std::string& model) {
  TRY(const std::string target, model_route(context, model));
  TRY(client::Session* const server, context.session());
  CHECK_OK(server->send_empty(net::Method::kDelete, target));
  context.terminal().say(fmt::format("Deleted the model {}", visible(model)));
  return {};
}

Result<std::string> models_route(Context& context, const ModelFilters& filters) {
  TRY(std::string target, context.route("/models"));
  target += fmt::format("?latest={}", filters.latest);
  const auto add = [&target](std::string_view name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, net::encode_segment(value));
  };
  add("name", filters.name);
  add("run", filters.run);
  add("framework", filters.framework);
  add("dataset", filters.dataset);
  for (const std::string& tag : filters.tags) add("tag", tag);
  for (const std::string& property : filters.properties) add("property", property);
  return target;
}

std::vector<Column> model_columns() {
  return {text_column("Model", "id"),          text_column("Framework", "framework"), text_column("Run", "runId"),
          text_column("Tags", "tags"),         number_column("Files", "fileCount"),   number_column("Bytes", "sizeBytes"),
          time_column("Created", "createdUtc")};
}

}  // namespace werkbank::cli
