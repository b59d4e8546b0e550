// The folders that a run's outputs were written to, carried to their datastores when the script has ended.
#pragma once

#include "runner/follower.hh"

namespace werkbank::runner {

// Outputs of mode mount are stored however the script ended, those of mode upload where it ended well; the server then keeps each
// as a dataset, and registers it where that was asked and the script ended well. What fails is an error of the storage;
// lease_lost.
Status store_outputs(const AttemptContext& context, bool ended_well);

}  // namespace werkbank::runner
