// Ending a run on request, at any step of its way.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

// Records the wish with who had it; a run that holds nothing is Canceled at once. Terminal runs stay as they are. Children of the
// run that Werkbank drives are canceled with it. Answers the keys whose steps are to be woken.
Task<Result<std::vector<RunKey>>> request_cancel(Services& services, RunKey key, std::string who);

// Tells the target of a run in CancelRequested. Idempotent.
Task<Status> deliver_cancel(Services& services, RunKey key);

// Where a rank has failed, or only parameter servers are left: ends the ranks that still run. Otherwise does nothing.
Task<Status> end_other_ranks(Services& services, RunKey key);

}  // namespace werkbank::lifecycle
