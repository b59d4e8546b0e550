#include "lifecycle/place.hh"

#include <algorithm>
#include <tuple>

namespace werkbank::lifecycle {

bool goes_before(const QueuedRun& a, const QueuedRun& b) {
  return std::tuple(-a.priority, a.queued_ms, a.arrival) < std::tuple(-b.priority, b.queued_ms, b.arrival);
}

std::vector<RunKey> place(std::vector<QueuedRun> queue, std::map<std::string, int64_t> free_slots) {
  std::ranges::sort(queue, goes_before);
  std::vector<RunKey> placed;
  for (const QueuedRun& run : queue) {
    const auto room = free_slots.find(run.target);
    if (room == free_slots.end() || room->second <= 0) continue;
    --room->second;
    placed.push_back(run.key);
  }
  return placed;
}

}  // namespace werkbank::lifecycle
