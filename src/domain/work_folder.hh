// The work folder of one rank of one attempt: its file names and the small documents in it (docs/reference/runner-protocol.md).
// Shared by the runner, its shim, and the targets that start and look after them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.hh"
#include "base/json.hh"
#include "base/process.hh"
#include "domain/launch.hh"

namespace werkbank {

// What every process of one rank of an attempt carries in its environment: the lease, and the rank where it is not the first.
inline constexpr std::string_view kAttemptMarkVariable = "WERKBANK_ATTEMPT_MARK";
std::string attempt_mark(const LaunchPlan& plan);
// The name by which a log of this rank is kept: the first rank has the plain one, others have "_<rank>" before the ending.
std::string path_of_rank(std::string_view path, int64_t rank);

struct WorkFolder {
  std::filesystem::path root;

  std::filesystem::path plan() const { return root / "plan.json"; }
  std::filesystem::path runner() const { return root / "runner.json"; }
  std::filesystem::path runner_lock() const { return root / "runner.lock"; }
  std::filesystem::path runner_log() const { return root / "runner.log"; }
  std::filesystem::path shim() const { return root / "shim.json"; }
  std::filesystem::path shim_lock() const { return root / "shim.lock"; }
  std::filesystem::path script() const { return root / "script.json"; }
  std::filesystem::path exit() const { return root / "exit.json"; }
  std::filesystem::path stop() const { return root / "stop.json"; }  // why the runner began to end the script
  std::filesystem::path cancel() const { return root / "cancel"; }
  std::filesystem::path finished() const { return root / "finished.json"; }     // the end that the server has acknowledged
  std::filesystem::path memory_group() const { return root / "memory_group"; }  // where its control group is, if it has one
  std::filesystem::path state() const { return root / "state.json"; }
  std::filesystem::path code() const { return root / "code"; }
  std::filesystem::path data() const { return root / "data"; }              // inputs and outputs, a folder each
  std::filesystem::path data_places() const { return root / "data.json"; }  // where the script finds them
  std::filesystem::path spool() const { return root / "spool"; }
  std::filesystem::path std_log() const { return root / "spool" / "std_log.txt"; }
  std::filesystem::path metrics() const { return root / "spool" / "metrics"; }
};

// plan.json: durable before anything is started for it; it holds the run's tokens, mode 0600. not_found where it is not there.
Status write_plan(const WorkFolder& folder, const LaunchPlan& plan);
Result<LaunchPlan> read_plan(const WorkFolder& folder);

// A process on file. monotonic_ms: when it was started, by CLOCK_MONOTONIC of that boot; for the time limit.
struct ProcessRecord {
  ProcessId id;
  int64_t monotonic_ms = 0;
};
Status write_process_record(const std::filesystem::path& path, const ProcessRecord& record);
// Nothing where the file is not there.
Result<std::optional<ProcessRecord>> read_process_record(const std::filesystem::path& path);

// exit.json: how the script ended, as its parent saw it.
struct ExitRecord {
  std::optional<int> exit_code;
  int signal = 0;
  bool oom = false;
  std::string launch_error;  // the script could not be started; the other fields say nothing then
  UtcMs ended_ms = 0;
};
Status write_exit_record(const WorkFolder& folder, const ExitRecord& record);  // durable
Result<std::optional<ExitRecord>> read_exit_record(const WorkFolder& folder);

// stop.json: kCanceled or kTimeout. Durable, written before the first signal, so that an adopting runner knows whose doing the
// end is.
Status write_stop_reason(const WorkFolder& folder, RunEndKind reason);
Result<std::optional<RunEndKind>> read_stop_reason(const WorkFolder& folder);

// data.json: what each input and output is for the script: a path, or the id of a dataset (direct). Durable. Empty where it is
// not there.
Status write_data_places(const WorkFolder& folder, const TextMap& places);
Result<TextMap> read_data_places(const WorkFolder& folder);

Status write_finished(const WorkFolder& folder, const RunEnd& end);
Result<std::optional<RunEnd>> read_finished(const WorkFolder& folder);

// The end of a run whose script ended so. A stop of ours that came first is the reason, whatever the script made of the signal.
RunEnd run_end_of(const ExitRecord& record, std::optional<RunEndKind> stop_reason);

}  // namespace werkbank
