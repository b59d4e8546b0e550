// The one door through which a run's status changes: legality, times, the row and the event in the caller's transaction.
#pragma once

#include "base/clock.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

// run_state_conflict where the table in domain/run_state.cc does not allow the move; then nothing is written.
Status move_run(store::Transaction& transaction, const Clock& clock, Run& run, RunStatus to);
// Moves to Failed, Canceled or Completed by what `end` says, through the states in between; keeps `end` with the run.
Status end_run(store::Transaction& transaction, const Clock& clock, Run& run, RunEnd end);
// An event about a run that is no change of status ("run.tags", "run.artifact" …).
Status note_run_event(store::Transaction& transaction, const Clock& clock, const Run& run, std::string type, json::object data);

// The status that an end stands for: success is Completed, a cancel is Canceled, all else is Failed.
RunStatus final_status(const RunEnd& end);
// The same sentence and hint everywhere: fills message, hint and v1's error code by the kind of the end where they are empty.
void describe_end(RunEnd& end);

}  // namespace werkbank::lifecycle
