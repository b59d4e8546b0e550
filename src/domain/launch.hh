// What a target and a runner are told to do: plain values that travel as JSON (docs/reference/runner-protocol.md, version 1).
#pragma once

#include <string>
#include <vector>

#include "base/secret.hh"
#include "domain/machine_slice.hh"
#include "domain/run.hh"

namespace werkbank {

inline constexpr int kRunnerProtocolVersion = 1;

// Everything a runner needs to carry one rank of one attempt through. Written as plan.json (mode 0600) into the rank's work
// folder.
struct LaunchPlan {
  int protocol_version = kRunnerProtocolVersion;
  RunKey run;
  std::string experiment;
  int64_t experiment_id = 0;
  int64_t attempt = 1;
  int64_t node = 0;
  int64_t rank = 0;
  std::string lease;
  std::string boot_id;     // of the machine the target started the runner on, where it can tell; after another boot the script is
                           // not started (again), what is there is brought in
  Secret token;            // the runner's token (JWT) for the server; the script's own is in `variables`
  std::string server_url;  // "unix:///home/u/.werkbank/server.sock" or "http://…"
  std::string snapshot_id;
  std::string blob_folder;  // where the content store can be read directly (same machine); empty: over HTTP
  std::string script;
  std::vector<std::string> arguments;
  std::string command;
  ReadyEnvironment environment;
  TextMap variables;       // the whole environment of the script, decided by lifecycle/launch.cc
  std::string sdk_folder;  // our Python package, added where the environment has none; empty: fetched from the server
  std::vector<std::string> watched_directories;
  bool collect_outputs = true;
  int64_t timeout_seconds = 0;
  int64_t kill_grace_ms = 5000;  // SIGTERM to SIGKILL
  std::vector<RunInput> inputs;  // brought to data/ before the script starts
  std::vector<RunOutput> outputs;
  std::string data_cache;  // a folder for what is fetched of datastores, shared by runs; empty: none
  MachineSlice slice;      // what the script may use of its machine; empty: all of it
};
json::object to_json(const LaunchPlan& plan);  // reveals the token: for plan.json only
Result<LaunchPlan> launch_plan_from_json(const json::value& value);

enum class RunnerPhase { kPreparing, kRunning, kFinalizing, kDone };
std::string_view to_string(RunnerPhase phase);  // "preparing" …
std::optional<RunnerPhase> parse_runner_phase(std::string_view text);

// A runner's report of where it is. Idempotent: the server ignores a phase that is not ahead of the last one.
struct RunnerReport {
  int64_t attempt = 1, rank = 0;
  std::string lease;
  RunnerPhase phase = RunnerPhase::kPreparing;
  RunEnd end;                 // with kDone; kNone or exit code 0: success
  UtcMs script_ended_ms = 0;  // with kDone: by the target's clock, when the script ended; 0 where nobody saw it
  std::vector<std::string> warnings;
};
json::object to_json(const RunnerReport& report);
Result<RunnerReport> runner_report_from_json(const json::value& value);

}  // namespace werkbank
