// Step 2: the run's environment is made ready on its target, before a node is held. A build's output is a live log of the run.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

// NotStarted/Preparing → Queued, or Failed (environment), or Canceled. Preparing shows only while something is really built.
Task<Status> prepare_run(Services& services, RunKey key);

// The environment of a spec on its target: quick where it is ready. For launching, and for `environment prepare`.
Result<ReadyEnvironment> ready_environment(Services& services, const RunSpec& spec, const compute::OutputSink& output,
                                           const std::function<bool()>& canceled);

}  // namespace werkbank::lifecycle
