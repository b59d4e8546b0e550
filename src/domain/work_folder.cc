#include "domain/work_folder.hh"

#include <utility>

#include "base/files.hh"

namespace werkbank {
namespace {

constexpr uint64_t kDocumentBytesMax = 1024 * 1024;

Result<std::optional<json::value>> read_document(const std::filesystem::path& path) {
  Result<std::string> text = read_file(path, kDocumentBytesMax);
  if (!text && text.error().code == &errors::not_found) return std::optional<json::value>();
  if (!text) return fail(std::move(text).error());
  Result<json::value> document = parse_json(*text);
  if (!document) return fail_in(path.native(), std::move(document).error());
  return std::optional<json::value>(std::move(*document));
}

Status write_document(const std::filesystem::path& path, const json::object& document, bool durable) {
  return write_file_atomically(path, json::serialize(document) + "\n", 0600, durable);
}

}  // namespace

std::string path_of_rank(std::string_view path, int64_t rank) {
  if (rank == 0) return std::string(path);
  const size_t name = path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1;
  const size_t dot = path.rfind('.');
  const size_t end = dot == path.npos || dot <= name ? path.size() : dot;
  return std::string(path.substr(0, end)) + "_" + std::to_string(rank) + std::string(path.substr(end));
}

std::string attempt_mark(const LaunchPlan& plan) {
  return plan.rank == 0 ? plan.lease : plan.lease + "." + std::to_string(plan.rank);
}

// Not fsynced: a process belongs to one boot, and after the next one nobody reads this.
Status write_process_record(const std::filesystem::path& path, const ProcessRecord& record) {
  return write_document(path,
                        {{"pid", record.id.pid},
                         {"startTicks", record.id.start_ticks},
                         {"bootId", record.id.boot_id},
                         {"monotonicMs", record.monotonic_ms}},
                        false);
}

Result<std::optional<ProcessRecord>> read_process_record(const std::filesystem::path& path) {
  TRY(const auto document, read_document(path));
  if (!document) return std::optional<ProcessRecord>();
  JsonReader reader(*document, path.filename().native());
  ProcessRecord record;
  record.id.pid = static_cast<pid_t>(reader.int_or("pid", 0, 1, INT32_MAX));
  record.id.start_ticks = static_cast<uint64_t>(reader.int_or("startTicks", 0, 0, INT64_MAX));
  record.id.boot_id = reader.required_string("bootId");
  record.monotonic_ms = reader.int_or("monotonicMs", 0, 0, INT64_MAX);
  CHECK_OK(reader.finish(false));
  return std::optional<ProcessRecord>(std::move(record));
}

Status write_plan(const WorkFolder& folder, const LaunchPlan& plan) {
  return write_file_atomically(folder.plan(), json::serialize(to_json(plan)), 0600, true);
}

Result<LaunchPlan> read_plan(const WorkFolder& folder) {
  constexpr uint64_t kPlanBytesMax = 256 * 1024 * 1024;
  TRY(const std::string text, read_file(folder.plan(), kPlanBytesMax));
  TRY(const json::value document, parse_json(text, {.size_bytes_max = kPlanBytesMax, .depth_max = 64}));
  return launch_plan_from_json(document);
}

Status write_exit_record(const WorkFolder& folder, const ExitRecord& record) {
  json::object document{{"oom", record.oom}, {"endedUtc", format_utc(record.ended_ms)}};
  if (!record.launch_error.empty()) {
    document["launchError"] = record.launch_error;
  } else if (record.exit_code) {
    document["exitCode"] = *record.exit_code;
  } else {
    document["signal"] = record.signal;
  }
  return write_document(folder.exit(), document, true);
}

Result<std::optional<ExitRecord>> read_exit_record(const WorkFolder& folder) {
  TRY(const auto document, read_document(folder.exit()));
  if (!document) return std::optional<ExitRecord>();
  JsonReader reader(*document, "exit.json");
  ExitRecord record;
  if (const auto exit_code = reader.optional_int("exitCode")) record.exit_code = static_cast<int>(*exit_code);
  record.signal = static_cast<int>(reader.int_or("signal", 0, 0, 128));
  record.oom = reader.bool_or("oom", false);
  record.launch_error = reader.string_or("launchError");
  const std::string ended = reader.string_or("endedUtc");
  CHECK_OK(reader.finish(false));
  if (!ended.empty()) {
    TRY(record.ended_ms, parse_utc(ended));
  }
  return std::optional<ExitRecord>(std::move(record));
}

Status write_stop_reason(const WorkFolder& folder, RunEndKind reason) {
  return write_document(folder.stop(), {{"reason", to_string(reason)}}, true);
}

Result<std::optional<RunEndKind>> read_stop_reason(const WorkFolder& folder) {
  TRY(const auto document, read_document(folder.stop()));
  if (!document) return std::optional<RunEndKind>();
  JsonReader reader(*document, "stop.json");
  const auto reason = parse_run_end_kind(reader.required_string("reason"));
  CHECK_OK(reader.finish(false));
  if (!reason) return fail(errors::invalid_request, "stop.json: an unknown reason");
  return reason;
}

// Not fsynced: the server has the end on disk already.
Status write_finished(const WorkFolder& folder, const RunEnd& end) {
  return write_document(folder.finished(), to_json(end), false);
}

Status write_data_places(const WorkFolder& folder, const TextMap& places) {
  return write_file_atomically(folder.data_places(), json::serialize(text_map_to_json(places)));
}

Result<TextMap> read_data_places(const WorkFolder& folder) {
  TextMap places;
  TRY(const auto document, read_document(folder.data_places()));
  if (!document || !document->is_object()) return places;
  for (const auto& [name, place] : document->get_object()) {
    if (place.is_string()) places[std::string(name)] = std::string(place.get_string());
  }
  return places;
}

Result<std::optional<RunEnd>> read_finished(const WorkFolder& folder) {
  TRY(const auto document, read_document(folder.finished()));
  if (!document) return std::optional<RunEnd>();
  TRY(RunEnd end, run_end_from_json(*document));
  return std::optional<RunEnd>(std::move(end));
}

RunEnd run_end_of(const ExitRecord& record, std::optional<RunEndKind> stop_reason) {
  RunEnd end;
  if (!record.launch_error.empty()) {
    end.kind = RunEndKind::kLaunch;
    end.message = "The script could not be started: " + record.launch_error;
  } else if (stop_reason) {
    end.kind = *stop_reason;
  } else if (record.oom) {
    end.kind = RunEndKind::kOutOfMemory;
  } else if (record.exit_code) {
    end.kind = RunEndKind::kExitCode;
    end.exit_code = *record.exit_code;
  } else {
    end.kind = RunEndKind::kSignal;
  }
  if (stop_reason || !record.exit_code) end.signal = record.signal;
  return end;
}

}  // namespace werkbank
