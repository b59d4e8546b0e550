// `why RUN`: what a run waits for, or why it ended as it did, and what to do.
#include <fmt/format.h>

#include <algorithm>

#include "lifecycle/engine.hh"
#include "lifecycle/gang.hh"
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

// With mutex_ held.
void Engine::explain_waiting(const Run& run, Explanation& told) const {
  const std::string target = services_.targets.key(run.key.workspace, run.target);
  told.summary = fmt::format("The run waits for room on target {:?}.", run.target);
  if (const auto reason = no_room_.find(target); reason != no_room_.end() && !reason->second.empty())
    told.reasons.push_back(reason->second);
  if (const auto beyond = beyond_quota_.find(run.key); beyond != beyond_quota_.end()) {
    told.summary = "The run waits for others to end: a quota does not allow more.";
    told.reasons = {beyond->second};
    told.next = {
        fmt::format("Wait, or have an owner of the installation raise it: werkbank quota show -w {}", run.key.workspace)};
    return;
  }
  const auto own = waiting_.find(run.key);
  if (const auto room = rooms_.find(target); room != rooms_.end() && own != waiting_.end() && own->second.slots > 1) {
    const QueuedRun& queued = own->second;
    const bool fits = queued.slots <= room->second.most;
    told.reasons.push_back(
        fits ? fmt::format(
                   "It needs {} nodes at the same time, and {} could be had. Up to {} later runs may go before it, {} have.",
                   queued.slots, std::max<int64_t>(0, room->second.free), kOvertakenMax, queued.overtaken)
             : fmt::format("It needs {} nodes at the same time, and the target has at most {} now.", queued.slots,
                           room->second.most));
  }
  const auto before = std::ranges::count_if(waiting_, [&](const auto& other) {
    return own != waiting_.end() && other.second.target == target && goes_before(other.second, own->second);
  });
  told.reasons.push_back(fmt::format("{} run(s) are before it in the queue of this target.", before));
  for (const auto& [holder, held] : holding_) {
    if (held.target == target) told.reasons.push_back(fmt::format("{:?} holds room there.", holder.run_id));
  }
  told.next.push_back("Wait, cancel a run that holds room (werkbank run cancel RUN), or submit with a higher --priority.");
}

Result<Explanation> Engine::explain(const RunKey& key) {
  const std::function<Result<std::optional<Run>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.run(key);
  };
  TRY(const std::optional<Run> run, store::read<std::optional<Run>>(services_.store, find));
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> tries = [&key](store::Reader& reader) {
    return reader.attempts(key);
  };
  TRY(const std::vector<Attempt> attempts, store::read<std::vector<Attempt>>(services_.store, tries));
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
    case RunStatus::kQueued:
      explain_waiting(*run, told);
      break;
    case RunStatus::kFailed:
    case RunStatus::kCanceled:
      told.summary = run->end.message;
      if (!attempts.empty()) told.reasons = sentences_of(attempts.back().rank_ends);
      std::ranges::copy(telling_lines(run->end.log_tail), std::back_inserter(told.reasons));
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
