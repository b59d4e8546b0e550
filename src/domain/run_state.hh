// The statuses of a run and the only table of legal moves between them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank {

enum class RunStatus {
  kNotStarted,
  kQueued,
  kProvisioning,
  kPreparing,
  kStarting,
  kRunning,
  kFinalizing,
  kCancelRequested,
  kNotResponding,
  kCompleted,
  kFailed,
  kCanceled,
};

// Managed runs are driven by Werkbank's lifecycle; client-tracked ones (start_logging, MLflow) by their client, and may reopen.
enum class RunControl { kManaged, kClientTracked };

std::string_view to_string(RunStatus status);                      // v1's words: "NotStarted" …
std::optional<RunStatus> parse_run_status(std::string_view text);  // in any case
std::vector<std::string_view> run_status_names();
bool is_terminal(RunStatus status);
bool holds_node(
    RunStatus status);  // counts against its target's capacity: Provisioning, Starting … CancelRequested, NotResponding
bool is_legal_move(RunControl control, RunStatus from, RunStatus to);
// run_state_conflict naming both states where the move is not legal.
Status check_move(RunControl control, RunStatus from, RunStatus to);

}  // namespace werkbank
