// `why RUN`: what a run waits for, or why it ended as it did, and what to do.
#include <fmt/format.h>

#include <algorithm>

#include "lifecycle/engine.hh"
#include "lifecycle/script_error.hh"

namespace werkbank::lifecycle {

// With mutex_ held.
void Engine::explain_retry(const RunKey& key, Explanation& told) const {
  const std::optional<Retries::Entry> failed = retries_.find(key);
  if (!failed) return;
  told.reasons.push_back(fmt::format("Its last step failed: {}", failed->last.to_string()));
  const std::chrono::milliseconds left = failed->due - services_.clock.monotonic_now();
  const auto seconds = std::max<int64_t>(0, std::chrono::ceil<std::chrono::seconds>(left).count());
  const bool is_bounded = failed->last.code != &errors::disk_full;
  const std::string when =
      failed->is_under_way ? "It is being tried again now" : fmt::format("It is tried again in {} s", seconds);
  told.reasons.push_back(is_bounded ? fmt::format("{}; after {} failures in a row the run is given up, this was number {}.", when,
                                                  retries_.failures_max(), failed->failures)
                                    : fmt::format("{}, until there is room on the disk.", when));
  if (!failed->last.remedy().empty()) told.next.emplace_back(failed->last.remedy());
}

Result<Explanation> Engine::explain(const RunKey& key) {
  const std::function<Result<std::optional<Run>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.run(key);
  };
  TRY(const std::optional<Run> run, store::read<std::optional<Run>>(services_.store, find));
  if (!run) return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
  Explanation told{std::string(to_string(run->status)), {}, {}, {}};
  const std::lock_guard lock(mutex_);
  if (!is_terminal(run->status)) explain_retry(key, told);
  switch (run->status) {
    case RunStatus::kNotStarted:
    case RunStatus::kPreparing:
      told.summary = "The run waits for its environment.";
      told.reasons.push_back("The environment is being built, or another run builds the same one.");
      told.next.push_back(fmt::format("Watch it: werkbank run logs {} --follow --file {}", key.run_id, kBuildLog));
      break;
    case RunStatus::kQueued: {
      const std::string target = services_.targets.key(run->key.workspace, run->target);
      told.summary = fmt::format("The run waits for room on target {:?}.", run->target);
      if (const auto reason = no_room_.find(target); reason != no_room_.end() && !reason->second.empty()) {
        told.reasons.push_back(reason->second);
      }
      std::vector<QueuedRun> before;
      const auto own = waiting_.find(key);
      for (const auto& [other, queued] : waiting_) {
        if (own != waiting_.end() && queued.target == target && goes_before(queued, own->second)) before.push_back(queued);
      }
      told.reasons.push_back(fmt::format("{} run(s) are before it in the queue of this target.", before.size()));
      for (const auto& [holder, held] : holding_) {
        if (held.target == target) told.reasons.push_back(fmt::format("{:?} holds room there.", holder.run_id));
      }
      told.next.push_back("Wait, cancel a run that holds room (werkbank run cancel RUN), or submit with a higher --priority.");
      break;
    }
    case RunStatus::kFailed:
    case RunStatus::kCanceled:
      told.summary = run->end.message;
      told.reasons = telling_lines(run->end.log_tail);
      if (!run->end.hint.empty()) told.next.push_back(run->end.hint);
      told.next.push_back(fmt::format("The whole log: werkbank run logs {}", key.run_id));
      break;
    case RunStatus::kCompleted:
      told.summary = "The run is complete.";
      break;
    case RunStatus::kNotResponding:
      told.summary = "The run's runner has not reported for a while.";
      told.reasons.push_back(
          fmt::format("The target {:?} does not answer, or its machine is suspended or cut off.", run->target));
      told.next.push_back("The run goes on there if it can and catches up; cancel it to give it up.");
      break;
    default:
      told.summary = fmt::format("The run is {}.", to_string(run->status));
      told.next.push_back(fmt::format("Follow it: werkbank run logs {} --follow", key.run_id));
  }
  return told;
}

}  // namespace werkbank::lifecycle
