// Step 2: the run's environment is made ready on its target, before a node is held. A build's output is a live log of the run.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

// NotStarted/Preparing → Queued, or Failed (environment), or Canceled. Preparing shows only while something is really built.
Task<Status> prepare_run(Services& services, RunKey key);

// The environment of a spec on its target: quick where it is ready, built where it is not. Goes on on a builder's thread.
Task<Result<ReadyEnvironment>> ready_environment(Services& services, std::string workspace, RunSpec spec,
                                                 EnvironmentBuilds::Wish wish);
// The same for a run: the output goes to its build log, and a cancel of the run ends its wait.
Task<Result<ReadyEnvironment>> ready_environment_of_run(Services& services, RunKey key, RunSpec spec);

}  // namespace werkbank::lifecycle
