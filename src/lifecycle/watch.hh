// Step 5: what runners report, and what is done about one that is silent.
#pragma once

#include "lifecycle/leases.hh"
#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct ReportAnswer {
  bool cancel = false;      // the runner shall end the script
  bool ended = false;       // this report ended the run
  bool rank_ended = false;  // … or one of its ranks
};

// Applies a report: Running, Finalizing, or the end. A report that says nothing new only renews the lease.
Task<Result<ReportAnswer>> take_report(Services& services, Leases& leases, RunKey key, RunnerReport report);

// Silent runners of a run's ranks: asks the target. It is there (or was started again): the run goes on. It is gone: the run ends
// by what the exit file says, with reason lost where nothing is known.
Task<Status> recover_run(Services& services, Leases& leases, RunKey key);

// The last lines of a log, at most 8 KiB: kept with a run that did not complete.
std::vector<std::string> log_tail(Services& services, const content::LogKey& log);

}  // namespace werkbank::lifecycle
