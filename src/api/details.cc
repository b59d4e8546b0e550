#include "api/details.hh"

#include "api/reading.hh"
#include "net/http_client.hh"

namespace werkbank::api {
namespace {

bool is_log(std::string_view path) {
  return path.starts_with("azureml-logs/") || path.starts_with("logs/") || path.starts_with("user_logs/") ||
         path.starts_with("system_logs/");
}

json::value time_or_null(UtcMs time) { return time == 0 ? json::value(nullptr) : json::value(format_utc(time)); }

// The submitted configuration in v1's words, for those who look into runDefinition.
json::object run_definition(const Run& run, const RunSpec& spec) {
  json::array arguments(spec.arguments.begin(), spec.arguments.end());
  json::object inputs, outputs;
  for (const RunInput& input : spec.inputs) inputs[input.name] = to_json(input);
  for (const RunOutput& output : spec.outputs) outputs[output.name] = to_json(output);
  return {{"script", spec.script},
          {"command", spec.command},
          {"arguments", std::move(arguments)},
          {"target", spec.target},
          {"framework", spec.framework},
          {"communicator", spec.distribution.communicator},
          {"maxRunDurationSeconds", spec.timeout_seconds},
          {"nodeCount", spec.node_count},
          {"priority", run.priority},
          {"environment", json::object{{"name", spec.environment.name},
                                       {"version", spec.environment.version},
                                       {"python", json::object{{"userManagedDependencies", spec.environment.user_managed},
                                                               {"interpreterPath", spec.environment.interpreter}}},
                                       {"environmentVariables", text_map_to_json(spec.environment.variables)}}},
          {"history",
           json::object{{"outputCollection", spec.collect_outputs},
                        {"directoriesToWatch", json::array(spec.watched_directories.begin(), spec.watched_directories.end())}}},
          {"data", std::move(inputs)},
          {"outputData", std::move(outputs)},
          {"environmentVariables", text_map_to_json(spec.environment_variables)}};
}

}  // namespace

std::string file_target(const RunKey& key, std::string_view path) {
  std::string target =
      fmt::format("/api/v1/workspaces/{}/runs/{}/files", net::encode_segment(key.workspace), net::encode_segment(key.run_id));
  while (!path.empty()) {
    const size_t slash = path.find('/');
    target += "/" + net::encode_segment(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return target;
}

Result<std::vector<Artifact>> run_files(Api& api, const RunKey& key, const std::string& prefix) {
  TRY(const std::vector<Artifact> stored,
      read<std::vector<Artifact>>(api, [&](store::Reader& reader) -> Result<std::vector<Artifact>> {
        TRY(const Run run, find_run(reader, key));
        return reader.artifacts(run.key, prefix);
      }));
  std::map<std::string, Artifact> by_path;
  TRY(const std::vector<content::LogInfo> logs, api.services.logs.list(key));
  for (const content::LogInfo& log : logs) {
    if (!log.key.path.starts_with(prefix)) continue;
    Artifact& file = by_path[log.key.path];
    if (!file.path.empty() && (file.attempt > log.key.attempt || file.rank < log.key.rank)) continue;
    file.run = key;
    file.path = log.key.path;
    file.size_bytes = log.size_bytes;
    file.attempt = log.key.attempt;
    file.rank = log.key.rank;
  }
  for (const Artifact& artifact : stored) by_path[artifact.path] = artifact;
  std::vector<Artifact> files;
  for (auto& [path, file] : by_path) files.push_back(std::move(file));
  return files;
}

Result<json::object> run_details(Api& api, const RunKey& key) {
  TRY(const Run run, find_run(api, key));
  TRY(const auto spec, read<std::optional<RunSpec>>(api, [&](store::Reader& reader) { return reader.run_spec(key); }));
  TRY(const std::vector<Artifact> files, run_files(api, key, ""));
  json::object logs;
  for (const Artifact& file : files) {
    if (is_log(file.path)) logs[file.path] = file_target(key, file.path);
  }
  json::object details{{"runId", key.run_id},
                       {"target", run.target},
                       {"status", to_string(run.status)},
                       {"startTimeUtc", time_or_null(run.started_ms)},
                       {"properties", text_map_to_json(run.properties)},
                       {"inputDatasets", json::array{}},
                       {"outputDatasets", json::array{}},
                       {"logFiles", std::move(logs)},
                       {"submittedBy", run.created_by}};
  if (is_terminal(run.status)) details["endTimeUtc"] = time_or_null(run.ended_ms);
  if (spec) details["runDefinition"] = run_definition(run, *spec);
  if (run.status == RunStatus::kFailed) {
    details["error"] =
        json::object{{"error", json::object{{"code", run.end.code}, {"message", run.end.message}, {"hint", run.end.hint}}},
                     {"reason", to_json(run.end)},
                     {"time", time_or_null(run.ended_ms)}};
  }
  if (!run.warnings.empty()) {
    json::array warnings;
    for (const std::string& warning : run.warnings)
      warnings.push_back(json::object{{"source", "Werkbank"}, {"message", warning}});
    details["warnings"] = std::move(warnings);
  }
  return details;
}

}  // namespace werkbank::api
