#include "lifecycle/retries.hh"

#include <algorithm>
#include <utility>

namespace werkbank::lifecycle {

bool Retries::note_failure(const RunKey& run, Error error, std::chrono::milliseconds now) {
  Entry& entry = entries_[run];
  ++entry.failures;
  std::chrono::milliseconds pause = policy_.first;
  for (int64_t doubled = 1; doubled < entry.failures && pause < policy_.longest; ++doubled) pause *= 2;
  entry.due = now + std::min(pause, policy_.longest);
  entry.is_under_way = false;
  const bool is_bounded = error.code != &errors::disk_full;
  entry.last = std::move(error);
  return !is_bounded || entry.failures < policy_.failures_max;
}

void Retries::forget(const RunKey& run) { entries_.erase(run); }

std::vector<RunKey> Retries::take_due(std::chrono::milliseconds now) {
  std::vector<RunKey> due;
  for (auto& [run, entry] : entries_) {
    if (entry.is_under_way || entry.due > now) continue;
    entry.is_under_way = true;
    due.push_back(run);
  }
  return due;
}

std::optional<Retries::Entry> Retries::find(const RunKey& run) const {
  const auto found = entries_.find(run);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace werkbank::lifecycle
