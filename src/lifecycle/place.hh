// The scheduler: a pure function from the queue and the free room to placements.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "domain/run.hh"

namespace werkbank::lifecycle {

struct QueuedRun {
  RunKey key;
  std::string target;
  int64_t priority = 0;
  UtcMs queued_ms = 0;
  int64_t arrival = 0;    // breaks ties of one millisecond: the order in which the engine saw them
  std::string parent_id;  // empty: none
};

// A run that has its room on a target.
struct HoldingRun {
  std::string target;
  std::string parent_id;
};

// Higher priority first, then first come, first served.
bool goes_before(const QueuedRun& a, const QueuedRun& b);

// Which runs to start now. `free_slots` by target; a target that is not in it has no room. Runs of one target never overtake each
// other except by priority; a full target does not hold up another one.
std::vector<RunKey> place(std::vector<QueuedRun> queue, std::map<std::string, int64_t> free_slots);

// Where all room of a target is held by runs with children in its queue, none of them may ever end: parents wait for their
// children. One child for each such target, to be started beyond its room.
std::vector<RunKey> place_beyond(std::vector<QueuedRun> queue, const std::map<RunKey, HoldingRun>& holding,
                                 const std::set<std::string>& targets);

}  // namespace werkbank::lifecycle
