#include "lifecycle/moves.hh"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/log.hh"
#include "lifecycle/script_error.hh"

namespace werkbank::lifecycle {
namespace {

void stamp(Run& run, RunStatus to, UtcMs now) {
  if (to == RunStatus::kQueued && run.queued_ms == 0) run.queued_ms = now;
  if (to == RunStatus::kRunning) {
    if (run.started_ms == 0) run.started_ms = now;
    run.ended_ms = 0;  // a client-tracked run may reopen, and be canceled again
    if (run.control == RunControl::kClientTracked) {
      run.cancel_requested = false;
      run.end = RunEnd{};
    }
  }
  if (is_terminal(to) && run.ended_ms == 0) run.ended_ms = now;
}

}  // namespace

Status move_run(store::Transaction& transaction, const Clock& clock, Run& run, RunStatus to) {
  CHECK_OK(check_move(run.control, run.status, to));
  const RunStatus from = std::exchange(run.status, to);
  const UtcMs now = clock.utc_now_ms();
  stamp(run, to, now);
  CHECK_OK(transaction.update_run(run));
  json::object data{{"status", to_string(to)}, {"from", to_string(from)}, {"attempt", run.attempt}};
  if (to == RunStatus::kFailed || to == RunStatus::kCanceled) data["error"] = to_json(run.end);
  return note_run_event(transaction, clock, run, "run.status", std::move(data));
}

Status end_run(store::Transaction& transaction, const Clock& clock, Run& run, RunEnd end) {
  describe_end(end);
  const RunStatus final = final_status(end);
  run.end = final == RunStatus::kCompleted ? RunEnd{} : std::move(end);
  const bool passes_finalizing =
      run.status == RunStatus::kRunning || run.status == RunStatus::kStarting || run.status == RunStatus::kNotResponding;
  if (passes_finalizing && final == RunStatus::kCompleted) {
    CHECK_OK(move_run(transaction, clock, run, RunStatus::kFinalizing));
  }
  if (!is_legal_move(run.control, run.status, final)) {
    const RunStatus bridge = final == RunStatus::kCanceled ? RunStatus::kCancelRequested : RunStatus::kFinalizing;
    CHECK_OK(move_run(transaction, clock, run, bridge));
  }
  return move_run(transaction, clock, run, final);
}

Status note_run_event(store::Transaction& transaction, const Clock& clock, const Run& run, std::string type, json::object data) {
  RunEvent event;
  event.workspace = run.key.workspace;
  event.run_id = run.key.run_id;
  event.experiment = run.experiment;
  event.type = std::move(type);
  event.at_ms = clock.utc_now_ms();
  event.data = std::move(data);
  TRY([[maybe_unused]] const int64_t cursor, transaction.append_event(std::move(event)));
  return {};
}

RunStatus final_status(const RunEnd& end) {
  switch (end.kind) {
    case RunEndKind::kNone:
      return RunStatus::kCompleted;
    case RunEndKind::kExitCode:
      return end.exit_code == 0 ? RunStatus::kCompleted : RunStatus::kFailed;
    case RunEndKind::kCanceled:
      return RunStatus::kCanceled;
    default:
      return RunStatus::kFailed;
  }
}

void describe_end(RunEnd& end) {
  const auto fill = [&](std::string code, std::string message, std::string hint) {
    if (end.code.empty()) end.code = std::move(code);
    if (end.message.empty()) end.message = std::move(message);
    if (end.hint.empty()) end.hint = std::move(hint);
  };
  switch (end.kind) {
    case RunEndKind::kNone:
      return;
    case RunEndKind::kExitCode: {
      const ScriptError error = script_error(end.log_tail);
      fill("UserError",
           error.exception.empty() ? fmt::format("The script ended with exit code {}.", end.exit_code)
                                   : fmt::format("User program failed with {}", error.exception),
           error.hint);
      return;
    }
    case RunEndKind::kSignal:
      fill("UserError", fmt::format("The script was ended by signal {} ({}).", end.signal, strsignal(end.signal)),
           "A crash in native code, or another process killed it; the log's last lines may say more.");
      return;
    case RunEndKind::kOutOfMemory:
      fill("UserError", "The script was ended because the memory ran out.",
           "Use smaller batches or data types, fewer worker processes, or a target with more memory.");
      return;
    case RunEndKind::kTimeout:
      fill("UserError", "The script was ended because it ran longer than its limit.",
           "Raise max_run_duration_seconds (--timeout), or make the script save checkpoints and submit the rest.");
      return;
    case RunEndKind::kCanceled:
      fill("UserError", fmt::format("The run was canceled by {}.", end.who.empty() ? "a user" : end.who),
           "Submit it again to repeat it.");
      return;
    case RunEndKind::kLost:
      fill("ServiceError", "The script's end is not known: its runner and its parent process are gone without a trace.",
           "Most often the machine was restarted, or the processes were killed by hand. Logs and metrics up to then are kept; "
           "submit again.");
      return;
    case RunEndKind::kEnvironment:
      fill("UserError", "The environment could not be built.", "See azureml-logs/20_image_build_log.txt.");
      return;
    case RunEndKind::kLaunch:
      fill("ServiceError", "The runner could not be started on the target.", "`werkbank doctor` checks the target.");
      return;
    case RunEndKind::kGivenUp:
      fill("ServiceError", "Werkbank could not go on with the run.", "`werkbank doctor` checks the installation; submit again.");
      return;
    case RunEndKind::kOutput:
      fill("UserError", "An output of the run could not be stored in its datastore.",
           "What the script wrote below outputs/ is kept; put the datastore right and submit again.");
      return;
    case RunEndKind::kClient:
      fill("UserError", "The client reported a failure.", "The details are those the client sent.");
      return;
  }
}

}  // namespace werkbank::lifecycle
