// What targets tell the engine: there is room, or it is wanted back.
#include <fmt/format.h>

#include "base/log.hh"
#include "lifecycle/engine.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/run_pool.hh"

namespace werkbank::lifecycle {

void Engine::preempted(const RunKey& key, int64_t attempt) {
  {
    const std::lock_guard lock(mutex_);
    preempted_[key] = attempt;
  }
  wake(key);
}

void Engine::room_changed() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.empty()) return;
  }
  services_.pool.post([this] { tasks_.spawn(place_for_room()); });
}

Task<void> Engine::place_for_room() {
  const Status placed = co_await place_waiting();
  if (!placed) log_error("runs not placed error={:?}", placed.error().to_string());
}

// A target has taken a run's room back: the attempt is over, the run goes back to its place in the queue.
Task<Status> Engine::requeue_if_preempted(RunKey key) {
  int64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto asked = preempted_.find(key);
    if (asked == preempted_.end()) co_return Status{};
    number = asked->second;
    preempted_.erase(asked);
  }
  using Ended = std::optional<Attempt>;
  std::function<Result<Ended>(store::Transaction&)> apply = [this, key,
                                                             number](store::Transaction& transaction) -> Result<Ended> {
    TRY(auto run, transaction.run(key));
    TRY(auto attempts, transaction.attempts(key));
    if (!run || run->attempt != number || attempts.empty() || !is_legal_move(run->control, run->status, RunStatus::kQueued))
      return Ended();  // it has ended meanwhile, or is about to
    run->warnings.push_back(
        fmt::format("Attempt {} was ended: a run of higher rank took its node. The run was queued again.", number));
    CHECK_OK(move_run(transaction, services_.clock, *run, RunStatus::kQueued));
    attempts.back().ended_ms = services_.clock.utc_now_ms();
    CHECK_OK(transaction.put_attempt(attempts.back()));
    return Ended(std::move(attempts.back()));
  };
  CO_TRY(const Ended ended, co_await store::write<Ended>(services_.store, std::move(apply)));
  if (!ended) co_return Status{};
  leases_.forget(key);
  const Result<compute::ComputeTarget*> target = services_.targets.find(key.workspace, ended->target);
  if (!target) co_return Status{};
  services_.builders.post([target = *target, ranks = rank_handles(*ended), key] {
    Status killed;
    for (const RankHandle& rank : ranks) {  // all are ended before the first one's node is given to others
      if (Status done = target->kill(rank.handle); !done) killed = std::move(done);
    }
    for (const RankHandle& rank : ranks) {
      const Status removed = killed ? target->remove(rank.handle) : killed;
      if (!removed) log_warning("preempted attempt not removed run={:?} error={:?}", key.run_id, removed.error().to_string());
    }
  });
  co_return Status{};
}

// A pool that was made for a run goes with it; not awaited by the next run.
void Engine::delete_pool_of(const Run& run) {
  if (services_.targets.find_managed(run.key.workspace, run.target) == nullptr) return;
  tasks_.spawn(delete_after_runs(services_, run.key.workspace, run.target));
}

}  // namespace werkbank::lifecycle
