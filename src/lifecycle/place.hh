// The scheduler: a pure function from the queue and the free room to placements.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "domain/quota.hh"
#include "domain/run.hh"

namespace werkbank::lifecycle {

struct QueuedRun {
  RunKey key;
  std::string target;
  int64_t priority = 0;
  UtcMs queued_ms = 0;
  int64_t arrival = 0;    // breaks ties of one millisecond: the order in which the engine saw them
  std::string parent_id;  // empty: none
  int64_t slots = 1;      // of the target, all at once: its nodes
  int64_t overtaken = 0;  // how many later runs have started before it
  std::string user;
  QuotaAmounts needs = {};
};

// A run that has its room on a target.
struct HoldingRun {
  std::string target;
  std::string parent_id;
  int64_t slots = 1;
  std::string user;
  QuotaAmounts needs = {};
};

struct TargetRoom {
  int64_t free = 0;
  int64_t most = INT64_MAX;  // when nothing is running there
};

struct Placed {
  std::vector<RunKey> runs;
  std::map<RunKey, int64_t> overtaken;         // runs that wait for more room, and how many of `runs` went before them
  std::map<RunKey, std::string> beyond_quota;  // runs that a quota keeps from their room, and why
};

// While a run waits for several slots, so many later ones of its priority may go before it; then what becomes free is kept for
// it.
inline constexpr int64_t kOvertakenMax = 4;

// Higher priority first, then first come, first served.
bool goes_before(const QueuedRun& a, const QueuedRun& b);

// Which runs to start now, each with all its slots. A target that is not in `rooms` has none. A full target does not hold up
// another one. Runs of one target overtake each other by priority only, but for a run for which there are too few slots: see
// kOvertakenMax. A run of a higher priority is never overtaken by a lower one; who wants more than the target has holds up
// nobody, nor does one that a quota keeps waiting. `quotas` by workspace, with what is in use.
Placed place(std::vector<QueuedRun> queue, std::map<std::string, TargetRoom> rooms, std::map<std::string, QuotaBook> quotas = {});

// Where all room of a target is held by runs with children in its queue, none of them may ever end: parents wait for their
// children. One child for each such target, to be started beyond its room.
std::vector<RunKey> place_beyond(std::vector<QueuedRun> queue, const std::map<RunKey, HoldingRun>& holding,
                                 const std::set<std::string>& targets);

}  // namespace werkbank::lifecycle
