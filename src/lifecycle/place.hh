// The scheduler: a pure function from the queue and the free room to placements.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domain/run.hh"

namespace werkbank::lifecycle {

struct QueuedRun {
  RunKey key;
  std::string target;
  int64_t priority = 0;
  UtcMs queued_ms = 0;
  int64_t arrival = 0;  // breaks ties of one millisecond: the order in which the engine saw them
};

// Higher priority first, then first come, first served.
bool goes_before(const QueuedRun& a, const QueuedRun& b);

// Which runs to start now. `free_slots` by target; a target that is not in it has no room. Runs of one target never overtake each
// other except by priority; a full target does not hold up another one.
std::vector<RunKey> place(std::vector<QueuedRun> queue, std::map<std::string, int64_t> free_slots);

}  // namespace werkbank::lifecycle
