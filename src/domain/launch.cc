#include "domain/launch.hh"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace werkbank {
namespace {

constexpr std::array<std::pair<RunnerPhase, std::string_view>, 4> kPhases{{
    {RunnerPhase::kPreparing, "preparing"},
    {RunnerPhase::kRunning, "running"},
    {RunnerPhase::kFinalizing, "finalizing"},
    {RunnerPhase::kDone, "done"},
}};

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

template <typename Port>
json::array list_of(const std::vector<Port>& ports) {
  json::array list;
  for (const Port& port : ports) list.push_back(to_json(port));
  return list;
}

TextMap read_map(JsonReader& reader, std::string_view key) {
  TextMap map;
  for (auto& [name, text] : reader.string_map_or_empty(key)) map.insert_or_assign(std::move(name), std::move(text));
  return map;
}

bool has_nul(std::string_view text) { return text.find('\0') != text.npos; }

// What a process cannot be given is refused here, before anything is started for it.
void check_process_texts(JsonReader& reader, const LaunchPlan& plan) {
  for (const std::string& argument : plan.arguments) {
    if (has_nul(argument)) reader.refuse("arguments", "an argument holds a NUL character");
  }
  if (has_nul(plan.command)) reader.refuse("command", "holds a NUL character");
  for (const auto& [name, value] : plan.variables) {
    if (name.empty() || name.find('=') != name.npos || has_nul(name) || has_nul(value)) {
      reader.refuse("variables", fmt::format("{:?} is no name or has no value that a process can get", name));
    }
  }
}

}  // namespace

std::string_view to_string(RunnerPhase phase) { return kPhases[static_cast<size_t>(phase)].second; }

std::optional<RunnerPhase> parse_runner_phase(std::string_view text) {
  for (const auto& [phase, name] : kPhases) {
    if (name == text) return phase;
  }
  return std::nullopt;
}

json::object to_json(const LaunchPlan& plan) {
  return {{"protocolVersion", plan.protocol_version},
          {"workspace", plan.run.workspace},
          {"runId", plan.run.run_id},
          {"experiment", plan.experiment},
          {"experimentId", plan.experiment_id},
          {"attempt", plan.attempt},
          {"node", plan.node},
          {"rank", plan.rank},
          {"lease", plan.lease},
          {"bootId", plan.boot_id},
          {"token", plan.token.reveal()},
          {"serverUrl", plan.server_url},
          {"snapshotId", plan.snapshot_id},
          {"blobFolder", plan.blob_folder},
          {"script", plan.script},
          {"arguments", texts(plan.arguments)},
          {"command", plan.command},
          {"environment", to_json(plan.environment)},
          {"variables", text_map_to_json(plan.variables)},
          {"sdkFolder", plan.sdk_folder},
          {"watchedDirectories", texts(plan.watched_directories)},
          {"collectOutputs", plan.collect_outputs},
          {"timeoutSeconds", plan.timeout_seconds},
          {"killGraceMs", plan.kill_grace_ms},
          {"inputs", list_of(plan.inputs)},
          {"outputs", list_of(plan.outputs)},
          {"dataCache", plan.data_cache},
          {"slice", to_json(plan.slice)}};
}

// Unknown keys are ignored: a newer server may say more than this runner knows.
Result<LaunchPlan> launch_plan_from_json(const json::value& value) {
  JsonReader reader(value, "plan");
  LaunchPlan plan;
  plan.protocol_version = static_cast<int>(reader.int_or("protocolVersion", 0, 1, INT32_MAX));
  if (plan.protocol_version > kRunnerProtocolVersion) {
    return fail(errors::not_supported, fmt::format("the plan has protocol version {}; this runner knows up to {}",
                                                   plan.protocol_version, kRunnerProtocolVersion));
  }
  plan.run.workspace = reader.required_string("workspace");
  plan.run.run_id = reader.required_string("runId");
  plan.experiment = reader.string_or("experiment");
  plan.experiment_id = reader.int_or("experimentId", 0, 0, INT64_MAX);
  plan.attempt = reader.int_or("attempt", 1, 0, INT64_MAX);
  plan.node = reader.int_or("node", 0, 0, INT32_MAX);
  plan.rank = reader.int_or("rank", 0, 0, INT32_MAX);
  plan.lease = reader.required_string("lease");
  plan.boot_id = reader.string_or("bootId");
  plan.token = Secret(reader.string_or("token"));
  plan.server_url = reader.required_string("serverUrl");
  plan.snapshot_id = reader.string_or("snapshotId");
  plan.blob_folder = reader.string_or("blobFolder");
  plan.script = reader.string_or("script");
  plan.arguments = reader.strings_or_empty("arguments");
  plan.command = reader.string_or("command");
  if (const json::value* const environment = reader.value("environment")) {
    TRY(plan.environment, ready_environment_from_json(*environment));
  }
  plan.variables = read_map(reader, "variables");
  plan.sdk_folder = reader.string_or("sdkFolder");
  plan.watched_directories = reader.strings_or_empty("watchedDirectories");
  plan.collect_outputs = reader.bool_or("collectOutputs", true);
  plan.timeout_seconds = reader.int_or("timeoutSeconds", 0, 0, INT64_MAX / 2000);
  plan.kill_grace_ms = reader.int_or("killGraceMs", plan.kill_grace_ms, 0, 24 * 3600 * 1000LL);
  TRY(plan.inputs, run_inputs_from_json(reader.array("inputs"), "plan"));
  TRY(plan.outputs, run_outputs_from_json(reader.array("outputs"), "plan"));
  plan.data_cache = reader.string_or("dataCache");
  if (const json::value* const slice = reader.value("slice")) {
    TRY(plan.slice, machine_slice_from_json(*slice, "plan.slice"));
  }
  if (plan.script.empty() && plan.command.empty()) reader.refuse("script", "neither a script nor a command is given");
  if (plan.lease.empty() || has_nul(plan.lease)) reader.refuse("lease", "is empty or holds a NUL character");
  check_process_texts(reader, plan);
  CHECK_OK(reader.finish(false));
  return plan;
}

json::object to_json(const RunnerReport& report) {
  json::object document{{"attempt", report.attempt},        {"rank", report.rank},        {"lease", report.lease},
                        {"phase", to_string(report.phase)}, {"end", to_json(report.end)}, {"warnings", texts(report.warnings)}};
  if (report.script_ended_ms > 0) document["scriptEndedUtc"] = format_utc(report.script_ended_ms);
  return document;
}

Result<RunnerReport> runner_report_from_json(const json::value& value) {
  JsonReader reader(value, "report");
  RunnerReport report;
  report.attempt = reader.int_or("attempt", 1, 0, INT64_MAX);
  report.rank = reader.int_or("rank", 0, 0, INT32_MAX);
  report.lease = reader.required_string("lease");
  const std::string phase = reader.required_string("phase");
  if (const auto known = parse_runner_phase(phase)) {
    report.phase = *known;
  } else {
    reader.refuse("phase", fmt::format("{:?} is none of preparing, running, finalizing, done", phase));
  }
  if (const json::value* const end = reader.value("end")) {
    TRY(report.end, run_end_from_json(*end));
  }
  report.warnings = reader.strings_or_empty("warnings");
  const std::string ended = reader.string_or("scriptEndedUtc");
  CHECK_OK(reader.finish(false));
  if (!ended.empty()) {
    TRY(report.script_ended_ms, parse_utc(ended));
  }
  return report;
}

}  // namespace werkbank
