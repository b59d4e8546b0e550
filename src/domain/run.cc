#include "domain/run.hh"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.hh"
#include "base/text.hh"

namespace werkbank {
namespace {

constexpr std::array<std::pair<RunEndKind, std::string_view>, 12> kEndNames{{
    {RunEndKind::kNone, "none"},
    {RunEndKind::kExitCode, "exit_code"},
    {RunEndKind::kSignal, "signal"},
    {RunEndKind::kOutOfMemory, "out_of_memory"},
    {RunEndKind::kTimeout, "timeout"},
    {RunEndKind::kCanceled, "canceled"},
    {RunEndKind::kLost, "lost"},
    {RunEndKind::kEnvironment, "environment"},
    {RunEndKind::kLaunch, "launch"},
    {RunEndKind::kGivenUp, "given_up"},
    {RunEndKind::kClient, "client"},
    {RunEndKind::kOutput, "output"},
}};

constexpr int64_t kDayS = 24 * 3600;

json::value time_or_null(UtcMs time) { return time == 0 ? json::value(nullptr) : json::value(format_utc(time)); }

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

template <typename Port>
json::array list_of(const std::vector<Port>& ports) {
  json::array list;
  for (const Port& port : ports) list.push_back(to_json(port));
  return list;
}

TextMap to_map(std::vector<std::pair<std::string, std::string>> pairs) {
  return TextMap(std::make_move_iterator(pairs.begin()), std::make_move_iterator(pairs.end()));
}

std::string_view to_string(LifecycleStage stage) {
  return stage == LifecycleStage::kActive ? "active" : stage == LifecycleStage::kArchived ? "archived" : "deleted";
}

// v1 takes any case ("python", "pyspark"); the record keeps the canonical form.
Result<std::string> canonical_framework(const std::string& text) {
  static constexpr std::array kFrameworks{"Python", "PySpark", "PyTorch", "TensorFlow", "CNTK"};
  for (const std::string_view known : kFrameworks) {
    if (equal_but_for_case(known, text)) return std::string(known);
  }
  return fail(errors::invalid_request, fmt::format("framework {:?} is unknown", text),
              "Use Python, PySpark, PyTorch or TensorFlow.");
}

bool holds_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

// What the operating system would refuse only at the launch is refused here, before anything is stored.
Status check_spec(const RunSpec& spec, const std::string& path) {
  const auto refuse = [&](std::string what) -> Status { return fail(errors::invalid_request, path + "." + std::move(what)); };
  for (size_t i = 0; i < spec.arguments.size(); ++i) {
    if (holds_nul(spec.arguments[i])) return refuse(fmt::format("arguments[{}] holds a NUL character", i));
  }
  if (holds_nul(spec.command)) return refuse("command holds a NUL character");
  for (size_t i = 0; i < spec.watched_directories.size(); ++i) {
    if (Result<RelativePath> safe = RelativePath::parse(spec.watched_directories[i]); !safe) {
      return fail_in(fmt::format("{}.watchedDirectories[{}]", path, i), std::move(safe).error());
    }
  }
  for (const TextMap* map : {&spec.environment_variables, &spec.submitter_environment, &spec.environment.variables}) {
    for (const auto& [name, value] : *map) {
      if (name.empty() || name.find('=') != std::string::npos || holds_nul(name) || holds_nul(value)) {
        return refuse(
            fmt::format("environmentVariables: {:?} is not a name of an environment variable, or its value holds a NUL", name));
      }
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(RunEndKind kind) { return kEndNames[static_cast<size_t>(kind)].second; }

std::optional<RunEndKind> parse_run_end_kind(std::string_view text) {
  for (const auto& [kind, name] : kEndNames) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

json::object text_map_to_json(const TextMap& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

json::object to_json(const Distribution& distribution) {
  return {{"communicator", distribution.communicator},
          {"processCountPerNode", distribution.process_count_per_node},
          {"processCount", distribution.process_count},
          {"workerCount", distribution.worker_count},
          {"parameterServerCount", distribution.parameter_server_count}};
}

Result<std::string> canonical_communicator(std::string_view text, std::string_view where) {
  constexpr std::array<std::string_view, 6> kKnown{"None", "ParameterServer", "OpenMpi", "IntelMpi", "Nccl", "Gloo"};
  for (const std::string_view known : kKnown) {
    if (equal_but_for_case(text, known)) return std::string(known);
  }
  return fail(errors::config_invalid, fmt::format("{}: {:?} is not a communicator", where, text),
              fmt::format("It is one of {}.", fmt::join(kKnown, ", ")));
}

Result<Distribution> distribution_from_json(const json::value& value, const std::string& path) {
  constexpr int64_t kProcessesMax = 1'000'000;
  JsonReader reader(value, path);
  Distribution distribution;
  const std::string communicator = reader.string_or("communicator", distribution.communicator);
  distribution.process_count_per_node = reader.int_or("processCountPerNode", 1, 1, kProcessesMax);
  distribution.process_count = reader.int_or("processCount", 0, 0, kProcessesMax);
  distribution.worker_count = reader.int_or("workerCount", 1, 1, kProcessesMax);
  distribution.parameter_server_count = reader.int_or("parameterServerCount", 1, 0, kProcessesMax);
  CHECK_OK(reader.finish());
  TRY(distribution.communicator, canonical_communicator(communicator, path + ".communicator"));
  return distribution;
}

int64_t process_count(const RunSpec& spec) {
  const Distribution& distribution = spec.distribution;
  const std::string& communicator = distribution.communicator;
  if (communicator == "OpenMpi" || communicator == "IntelMpi") return spec.node_count * distribution.process_count_per_node;
  if (communicator == "ParameterServer") return distribution.worker_count + distribution.parameter_server_count;
  const bool pytorch = communicator == "Nccl" || communicator == "Gloo";
  return pytorch && distribution.process_count > 0 ? distribution.process_count : spec.node_count;
}

json::object to_json(const RunSpec& spec) {
  return {{"snapshotId", spec.snapshot_id},
          {"script", spec.script},
          {"arguments", texts(spec.arguments)},
          {"command", spec.command},
          {"target", spec.target},
          {"framework", spec.framework},
          {"environment", to_json(spec.environment)},
          {"environmentVariables", text_map_to_json(spec.environment_variables)},
          {"submitterEnvironment", text_map_to_json(spec.submitter_environment)},
          {"watchedDirectories", texts(spec.watched_directories)},
          {"collectOutputs", spec.collect_outputs},
          {"timeoutSeconds", spec.timeout_seconds},
          {"priority", spec.priority},
          {"nodeCount", spec.node_count},
          {"distribution", to_json(spec.distribution)},
          {"inputs", list_of(spec.inputs)},
          {"outputs", list_of(spec.outputs)}};
}

Result<RunSpec> run_spec_from_json(const json::value& value, const std::string& path) {
  JsonReader reader(value, path);
  RunSpec spec;
  spec.snapshot_id = reader.string_or("snapshotId");
  spec.script = reader.string_or("script");
  spec.arguments = reader.strings_or_empty("arguments");
  spec.command = reader.string_or("command");
  spec.target = reader.string_or("target", spec.target);
  const std::string framework = reader.string_or("framework", spec.framework);
  const json::value* const environment = reader.value("environment");
  spec.environment_variables = to_map(reader.string_map_or_empty("environmentVariables"));
  spec.submitter_environment = to_map(reader.string_map_or_empty("submitterEnvironment"));
  if (reader.has("watchedDirectories")) spec.watched_directories = reader.strings_or_empty("watchedDirectories");
  spec.collect_outputs = reader.bool_or("collectOutputs", true);
  spec.timeout_seconds = reader.int_or("timeoutSeconds", spec.timeout_seconds, 0, 3650 * kDayS);
  spec.priority = reader.int_or("priority", 0, -1000, 1000);
  spec.node_count = reader.int_or("nodeCount", 1, 1, 10'000);
  const json::value* const distribution = reader.value("distribution");
  const json::array* const inputs = reader.array("inputs");
  const json::array* const outputs = reader.array("outputs");
  CHECK_OK(reader.finish());
  TRY(spec.framework, canonical_framework(framework));
  if (environment != nullptr) {
    TRY(spec.environment, environment_from_json(*environment, path + ".environment"));
  }
  if (distribution != nullptr) {
    TRY(spec.distribution, distribution_from_json(*distribution, path + ".distribution"));
  }
  TRY(spec.inputs, run_inputs_from_json(inputs, path));
  TRY(spec.outputs, run_outputs_from_json(outputs, path));
  CHECK_OK(check_data_ports(spec.inputs, spec.outputs, path));
  CHECK_OK(check_spec(spec, path));
  return spec;
}

json::object to_json(const RunEnd& end) {
  return {{"reason", to_string(end.kind)},
          {"exitCode", end.kind == RunEndKind::kExitCode ? json::value(end.exit_code) : json::value(nullptr)},
          {"signal", end.signal == 0 ? json::value(nullptr) : json::value(end.signal)},
          {"canceledBy", end.who.empty() ? json::value(nullptr) : json::value(end.who)},
          {"code", end.code},
          {"message", end.message},
          {"hint", end.hint},
          {"logTail", texts(end.log_tail)},
          {"details", end.details}};
}

Result<RunEnd> run_end_from_json(const json::value& value) {
  JsonReader reader(value, "end");
  RunEnd end;
  const std::string reason = reader.string_or("reason", "none");
  end.exit_code = static_cast<int>(reader.int_or("exitCode", 0, INT32_MIN, INT32_MAX));
  end.signal = static_cast<int>(reader.int_or("signal", 0, 0, 128));
  end.who = reader.string_or("canceledBy");
  end.code = reader.string_or("code");
  end.message = reader.string_or("message");
  end.hint = reader.string_or("hint");
  end.log_tail = reader.strings_or_empty("logTail");
  if (const json::object* const details = reader.object("details")) end.details = *details;
  const std::optional<RunEndKind> kind = parse_run_end_kind(reason);
  if (!kind) reader.refuse("reason", fmt::format("{:?} is not a reason", reason));
  CHECK_OK(reader.finish(false));
  end.kind = *kind;
  return end;
}

json::object to_json(const Run& run) {
  json::object document{
      {"workspace", run.key.workspace},
      {"experiment", run.experiment},
      {"experimentId", run.experiment_id},
      {"runId", run.key.run_id},
      {"runNumber", run.number},
      {"rootRunId", run.root_id},
      {"parentRunId", run.parent_id.empty() ? json::value(nullptr) : json::value(run.parent_id)},
      {"displayName", run.display_name},
      {"description", run.description},
      {"runType", run.run_type},
      {"managed", run.control == RunControl::kManaged},
      {"status", to_string(run.status)},
      {"stage", to_string(run.stage)},
      {"target", run.target},
      {"script", run.script},
      {"snapshotId", nullptr},
      {"createdBy", json::object{{"userName", run.created_by}}},
      {"createdUtc", time_or_null(run.created_ms)},
      {"queuedUtc", time_or_null(run.queued_ms)},
      {"startTimeUtc", time_or_null(run.started_ms)},
      {"endTimeUtc", time_or_null(run.ended_ms)},
      {"priority", run.priority},
      {"attempt", run.attempt},
      {"cancelRequested", run.cancel_requested},
      {"tags", text_map_to_json(run.tags)},
      {"properties", text_map_to_json(run.properties)},
      {"params", text_map_to_json(run.params)},
      {"warnings", texts(run.warnings)},
      {"revision", run.revision},
      {"dataContainerId", "dcid." + run.key.run_id},
      {"error", nullptr},
  };
  if (const auto snapshot = run.properties.find("ContentSnapshotId"); snapshot != run.properties.end()) {
    document["snapshotId"] = snapshot->second;
  }
  if (run.status == RunStatus::kFailed || run.status == RunStatus::kCanceled) document["error"] = to_json(run.end);
  return document;
}

json::object to_json(const Experiment& experiment) {
  return {{"workspace", experiment.workspace},
          {"name", experiment.name},
          {"id", experiment.id},
          {"description", experiment.description},
          {"tags", text_map_to_json(experiment.tags)},
          {"stage", to_string(experiment.stage)},
          {"createdUtc", time_or_null(experiment.created_ms)},
          {"archivedUtc", time_or_null(experiment.stage == LifecycleStage::kArchived ? experiment.stage_ms : 0)},
          {"deletedUtc", time_or_null(experiment.stage == LifecycleStage::kDeleted ? experiment.stage_ms : 0)}};
}

json::object to_json(const Workspace& workspace) {
  return {{"name", workspace.name},
          {"subscriptionId", workspace.subscription_id},
          {"resourceGroup", workspace.resource_group},
          {"location", workspace.location},
          {"description", workspace.description},
          {"tags", text_map_to_json(workspace.tags)},
          {"createdUtc", time_or_null(workspace.created_ms)}};
}

json::object to_json(const Artifact& artifact) {
  return {{"path", artifact.path},        {"sizeBytes", artifact.size_bytes},
          {"hash", artifact.hash},        {"attempt", artifact.attempt},
          {"rank", artifact.rank},        {"modifiedUtc", time_or_null(artifact.modified_ms)},
          {"live", artifact.hash.empty()}};
}

json::object to_json(const RunEvent& event) {
  return {
      {"cursor", event.cursor}, {"workspace", event.workspace},       {"runId", event.run_id}, {"experiment", event.experiment},
      {"type", event.type},     {"atUtc", time_or_null(event.at_ms)}, {"data", event.data}};
}

}  // namespace werkbank
