#include "lifecycle/place.hh"

#include <algorithm>
#include <tuple>

namespace werkbank::lifecycle {

bool goes_before(const QueuedRun& a, const QueuedRun& b) {
  return std::tuple(-a.priority, a.queued_ms, a.arrival) < std::tuple(-b.priority, b.queued_ms, b.arrival);
}

Placed place(std::vector<QueuedRun> queue, std::map<std::string, TargetRoom> rooms, std::map<std::string, QuotaBook> quotas) {
  std::ranges::sort(queue, goes_before);
  Placed placed;
  std::map<std::string, std::vector<QueuedRun*>> passed;  // for which there was too little, by target
  for (QueuedRun& run : queue) {
    const auto room = rooms.find(run.target);
    if (room == rooms.end() || run.slots > room->second.most) continue;
    QuotaBook& quota = quotas[run.key.workspace];
    if (std::optional<std::string> refusal = quota.refusal(run.user, run.needs)) {
      placed.beyond_quota[run.key] = std::move(*refusal);
      continue;
    }
    std::vector<QueuedRun*>& waiting = passed[run.target];
    const bool may_go = std::ranges::all_of(waiting, [&](const QueuedRun* earlier) {
      return earlier->priority == run.priority && earlier->overtaken < kOvertakenMax;
    });
    if (!may_go || run.slots > room->second.free) {
      waiting.push_back(&run);
      continue;
    }
    room->second.free -= run.slots;
    placed.runs.push_back(run.key);
    quota.take(run.user, run.needs);
    for (QueuedRun* const earlier : waiting) {
      ++earlier->overtaken;
      ++placed.overtaken[earlier->key];
    }
  }
  return placed;
}

namespace {

// Runs of one target: who is whose child, in the queue and at work.
class Families {
 public:
  Families(const std::vector<QueuedRun>& queue, const std::map<RunKey, HoldingRun>& holding, const std::string& target) {
    for (const QueuedRun& run : queue) {
      if (run.target == target && !run.parent_id.empty()) queued_.insert({run.key.workspace, run.parent_id});
    }
    for (const auto& [key, run] : holding) {
      if (run.target != target) continue;
      holders_.push_back(key);
      if (!run.parent_id.empty()) children_[{key.workspace, run.parent_id}].push_back(key);
    }
  }

  bool all_may_wait() const {
    return !holders_.empty() && std::ranges::all_of(holders_, [this](const RunKey& run) { return may_wait(run, 0); });
  }
  bool holds(const RunKey& run) const { return std::ranges::find(holders_, run) != holders_.end(); }

 private:
  static constexpr int kDepthMax = 64;  // of families; deeper ones wait like all others

  bool may_wait(const RunKey& run, int depth) const {
    if (queued_.contains(run)) return true;
    const auto found = children_.find(run);
    if (found == children_.end() || depth == kDepthMax) return false;
    return std::ranges::any_of(found->second, [&](const RunKey& child) { return may_wait(child, depth + 1); });
  }

  std::set<RunKey> queued_;  // parents of queued runs
  std::vector<RunKey> holders_;
  std::map<RunKey, std::vector<RunKey>> children_;
};

}  // namespace

std::vector<RunKey> place_beyond(std::vector<QueuedRun> queue, const std::map<RunKey, HoldingRun>& holding,
                                 const std::set<std::string>& targets) {
  std::ranges::sort(queue, goes_before);
  std::vector<RunKey> placed;
  for (const std::string& target : targets) {
    const Families families(queue, holding, target);
    if (!families.all_may_wait()) continue;
    const auto child = std::ranges::find_if(queue, [&](const QueuedRun& run) {
      return run.target == target && !run.parent_id.empty() && families.holds({run.key.workspace, run.parent_id});
    });
    if (child != queue.end()) placed.push_back(child->key);
  }
  return placed;
}

}  // namespace werkbank::lifecycle
