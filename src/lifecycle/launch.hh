// Step 4: the placed run's runner is started on its target.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

// Starting → (the runner reports) Running, or Failed (launch). Does nothing where this attempt has its handle already.
Task<Status> launch_run(Services& services, RunKey key);

// The whole environment of the script: submitter's allow-list < environment's < the user's own < Werkbank's (v1_behaviour 4).
TextMap script_variables(const Services& services, const Workspace& workspace, const Run& run, const RunSpec& spec,
                         const compute::Capabilities& capabilities, const std::string& token, UtcMs token_expires_ms);

}  // namespace werkbank::lifecycle
