// Drives managed runs from step to step. A step commits a state; the state wakes the next step, now or after a restart.
//
//   NotStarted, Preparing → prepare.cc    Queued → place.cc    Starting → launch.cc    CancelRequested → cancel.cc
//   Running, Finalizing, NotResponding → watch.cc (reports, and recovery of silent runners)    ended → clean up, place the next
//
// One step of a run at a time; different runs in parallel. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "lifecycle/leases.hh"
#include "lifecycle/place.hh"
#include "lifecycle/retries.hh"
#include "lifecycle/submit.hh"
#include "lifecycle/watch.hh"

namespace werkbank::lifecycle {

struct EngineConfig {
  std::chrono::milliseconds lease_silence{12'000};  // a runner reports every 5 s
  std::chrono::milliseconds tick{1'000};
  RetryPolicy retries;  // after a step that failed: a full disk, a target that does not answer
};

struct Explanation {
  std::string status, summary;
  std::vector<std::string> reasons, next;
};

class Engine {
 public:
  Engine(Services services, EngineConfig config);
  ~Engine();  // stop()

  // Takes up all unfinished runs where they were, and begins to watch leases.
  Status start();
  // Lets the steps under way finish; runs on targets go on by themselves.
  void stop();

  Task<Result<Submitted>> submit(Submission submission);
  Task<Result<Run>> cancel(RunKey key, std::string who);
  Task<Result<ReportAnswer>> report(RunKey key, RunnerReport report);
  Status check_lease(const RunKey& key, int64_t attempt, const std::string& lease, int64_t rank) {
    return leases_.check(key, attempt, lease, rank);
  }
  // Why the run waits, or ended as it did, and what to do (`why RUN`).
  Result<Explanation> explain(const RunKey& key);

  void wake(const RunKey& key);
  void quotas_changed() { room_changed(); }
  // The quotas of a workspace and what is in use of them now; of disk space only where asked for, which takes a while.
  Result<QuotaBook> quota_book(const std::string& workspace, bool with_disk);
  Services& services() { return services_; }
  // Runs that hold room on some target now; none: an on-demand server may end.
  size_t active_runs() const;

 private:
  Task<void> drive(RunKey key);
  Task<Status> step(RunKey key, bool& again);
  Task<Status> step_queued(Run run);
  HoldingRun room_of(const Run& run);
  QueuedRun queued(const Run& run, const HoldingRun& room);
  void preempted(const RunKey& key, int64_t attempt);
  void room_changed();
  void delete_pool_of(const Run& run);
  Task<void> place_for_room();
  Task<Status> requeue_if_preempted(RunKey key);
  Task<Status> step_cancel(Run run, bool& again);
  Task<Result<bool>> give_up(RunKey key, Error error);
  Task<Status> place_waiting();
  // What the targets that runs wait for have free now.
  struct Room {
    std::map<std::string, TargetRoom> rooms;
    std::set<std::string> full_and_elastic;  // full, but one run more would only slow down the others
  };
  Task<Result<Room>> free_room();
  std::map<std::string, QuotaBook> quota_books(const std::vector<QueuedRun>& queue);
  Task<Result<std::vector<Attempt>>> begin_attempts(std::vector<RunKey> placed);
  Status expect_ranks(const RunKey& key);
  void explain_waiting(const Run& run, Explanation& told) const;
  Task<void> clean_up(Run run);
  void take_up(const Run& run);
  Task<Status> recover_if_asked(RunKey key);
  bool notes_outcome(const RunKey& key, const Status& done);
  void explain_retry(const RunKey& key, Explanation& told) const;
  void tick();

  Services services_;
  const EngineConfig config_;
  Leases leases_;
  TaskGroup tasks_;

  mutable std::mutex mutex_;
  std::condition_variable ticker_wake_;
  bool stopping_ = false;
  std::map<RunKey, bool> driven_;        // a step is under way; true: woken again meanwhile
  std::map<RunKey, QueuedRun> waiting_;  // Queued
  Retries retries_;
  std::map<RunKey, HoldingRun> holding_;
  std::map<RunKey, int64_t> preempted_;  // attempts whose room their target wants back
  std::set<RunKey> recover_;             // to be looked after: found under way at the start, or silent since
  int64_t arrivals_ = 0;
  bool placing_ = false;
  bool place_again_ = false;
  std::map<std::string, std::string> no_room_;  // target → why, from the last placement
  std::map<std::string, TargetRoom> rooms_;     // likewise
  std::map<RunKey, std::string> beyond_quota_;  // likewise: runs that wait for no target
  std::thread ticker_;
};

}  // namespace werkbank::lifecycle
