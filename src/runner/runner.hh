// One rank of one attempt, carried through from its inputs to the acknowledged end (docs/reference/runner-protocol.md).
//
// Threads: the caller's looks after the script and never talks to the server, so that cancel and the time limit work without it;
// one thread each carries logs, metrics, collected files and reports. All that is known is in the work folder: a runner that dies
// is replaced by another one that goes on from there.
#pragma once

#include <memory>
#include <optional>

#include "runner/log_follower.hh"
#include "runner/metric_follower.hh"
#include "runner/output_collector.hh"
#include "runner/reporter.hh"
#include "runner/script_watch.hh"

namespace werkbank::runner {

class Runner {
 public:
  // `dismissed`: rung when the process is to go and leave the script running.
  Runner(LaunchPlan plan, WorkFolder folder, const Bell& dismissed, const data::DataStoreOpener& open_data);
  // Returns when the server has acknowledged the end, the attempt is lost, or the runner was dismissed.
  Status run();

 private:
  Result<RunEnd> bring_to_an_end();
  Result<RunEnd> end_after_reboot();
  Result<RunEnd> start_and_follow();
  Result<RunEnd> follow();
  Result<RunEnd> read_end() const;
  Result<std::optional<std::chrono::milliseconds>> deadline() const;
  void stop_script(RunEndKind reason);
  void end_everything(bool with_shim);
  void ask_cancel() const;
  bool is_cancel_asked() const;
  void store_outputs_of(RunEnd& end);
  void start_followers();
  void drain_followers();

  const LaunchPlan plan_;
  const WorkFolder folder_;
  const Bell& dismissed_;
  Lifeline lifeline_;
  Warnings warnings_;
  StateFile state_;
  const AttemptContext context_;
  Reporter reporter_;
  std::unique_ptr<LogFollower> logs_;
  std::unique_ptr<MetricFollower> metrics_;
  std::unique_ptr<OutputCollector> outputs_;
  bool is_dismissed_ = false;
};

// `werkbank-runner run WORKDIR`: answers the exit code. 0 also where another runner is in charge of the folder.
int run_runner(const WorkFolder& folder, const data::DataStoreOpener& open_data);

}  // namespace werkbank::runner
