#include "domain/run_state.hh"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/text.hh"

namespace werkbank {
namespace {

using enum RunStatus;

constexpr std::array<std::pair<RunStatus, std::string_view>, 12> kNames{{
    {kNotStarted, "NotStarted"},
    {kQueued, "Queued"},
    {kProvisioning, "Provisioning"},
    {kPreparing, "Preparing"},
    {kStarting, "Starting"},
    {kRunning, "Running"},
    {kFinalizing, "Finalizing"},
    {kCancelRequested, "CancelRequested"},
    {kNotResponding, "NotResponding"},
    {kCompleted, "Completed"},
    {kFailed, "Failed"},
    {kCanceled, "Canceled"},
}};

struct Move {
  RunStatus from;
  RunStatus to;
};

// A managed run goes down this list; a requeued one (preempted, node lost before the script started) goes back to Queued.
constexpr Move kManagedMoves[] = {
    {kNotStarted, kPreparing},
    {kNotStarted, kQueued},
    {kNotStarted, kFailed},
    {kNotStarted, kCanceled},
    {kPreparing, kQueued},
    {kPreparing, kFailed},
    {kPreparing, kCancelRequested},
    {kPreparing, kCanceled},
    {kQueued, kProvisioning},
    {kQueued, kStarting},
    {kQueued, kFailed},
    {kQueued, kCanceled},
    {kProvisioning, kStarting},
    {kProvisioning, kQueued},
    {kProvisioning, kFailed},
    {kProvisioning, kCanceled},
    {kProvisioning, kCancelRequested},
    {kStarting, kRunning},
    {kStarting, kQueued},
    {kStarting, kFailed},
    {kStarting, kCancelRequested},
    {kStarting, kNotResponding},
    {kStarting, kFinalizing},
    {kRunning, kFinalizing},
    {kRunning, kCancelRequested},
    {kRunning, kNotResponding},
    {kRunning, kFailed},
    {kRunning, kQueued},
    {kNotResponding, kRunning},
    {kNotResponding, kFinalizing},
    {kNotResponding, kFailed},
    {kNotResponding, kCancelRequested},
    {kNotResponding, kQueued},
    {kFinalizing, kCompleted},
    {kFinalizing, kFailed},
    {kFinalizing, kCanceled},
    {kFinalizing, kCancelRequested},
    {kCancelRequested, kFinalizing},
    {kCancelRequested, kCanceled},
    {kCancelRequested, kFailed},
    {kCancelRequested, kCompleted},
};

// A client-tracked run follows its client, who may also reopen what it had ended (MLflow does).
constexpr Move kClientMoves[] = {
    {kNotStarted, kRunning},
    {kNotStarted, kCompleted},
    {kNotStarted, kFailed},
    {kNotStarted, kCanceled},
    {kNotStarted, kQueued},
    {kQueued, kRunning},
    {kQueued, kFailed},
    {kQueued, kCanceled},
    {kQueued, kCompleted},
    {kRunning, kFinalizing},
    {kRunning, kCompleted},
    {kRunning, kFailed},
    {kRunning, kCanceled},
    {kRunning, kQueued},
    {kRunning, kCancelRequested},
    {kFinalizing, kCompleted},
    {kFinalizing, kFailed},
    {kFinalizing, kCanceled},
    {kCancelRequested, kCanceled},
    {kCancelRequested, kFailed},
    {kCancelRequested, kCompleted},
    {kCompleted, kRunning},
    {kFailed, kRunning},
    {kCanceled, kRunning},
    {kCompleted, kFailed},
    {kCompleted, kCanceled},
    {kFailed, kCompleted},
    {kFailed, kCanceled},
    {kCanceled, kCompleted},
    {kCanceled, kFailed},
};

template <size_t size>
constexpr bool contains(const Move (&moves)[size], RunStatus from, RunStatus to) {
  for (const Move& move : moves) {
    if (move.from == from && move.to == to) return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(RunStatus status) { return kNames[static_cast<size_t>(status)].second; }

std::optional<RunStatus> parse_run_status(std::string_view text) {
  for (const auto& [status, name] : kNames) {
    if (equal_but_for_case(name, text)) return status;
  }
  return std::nullopt;
}

std::vector<std::string_view> run_status_names() {
  std::vector<std::string_view> names;
  for (const auto& [status, name] : kNames) names.push_back(name);
  return names;
}

bool is_terminal(RunStatus status) { return status == kCompleted || status == kFailed || status == kCanceled; }

bool holds_node(RunStatus status) {
  return status == kProvisioning || status == kStarting || status == kRunning || status == kFinalizing ||
         status == kCancelRequested || status == kNotResponding;
}

bool is_legal_move(RunControl control, RunStatus from, RunStatus to) {
  return control == RunControl::kManaged ? contains(kManagedMoves, from, to) : contains(kClientMoves, from, to);
}

Status check_move(RunControl control, RunStatus from, RunStatus to) {
  if (is_legal_move(control, from, to)) return {};
  return fail(errors::run_state_conflict, fmt::format("a run that is {} cannot become {}", to_string(from), to_string(to)));
}

}  // namespace werkbank
