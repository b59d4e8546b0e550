#include "lifecycle/engine.hh"

#include <fmt/format.h>

#include "base/failpoint.hh"
#include "base/log.hh"
#include "lifecycle/cancel.hh"
#include "lifecycle/gang.hh"
#include "lifecycle/launch.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/prepare.hh"
#include "lifecycle/run_pool.hh"

namespace werkbank::lifecycle {
namespace {

Result<std::optional<Run>> find_run(store::Store& store, const RunKey& key) {
  const std::function<Result<std::optional<Run>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.run(key);
  };
  return store::read<std::optional<Run>>(store, find);
}

// Records that do not know a run may be an older copy that was brought back: what is alive of it is not ours to end.
bool is_gone(compute::ComputeTarget& target, const compute::KeptAttempt& attempt) {
  const Result<bool> alive = target.has_processes(attempt.handle);
  if (alive && !*alive) return true;
  log_warning("leftover kept run={:?} attempt={}: there is no record of it, and {}", attempt.run.run_id, attempt.attempt,
              alive ? "its processes are alive" : alive.error().to_string());
  return false;
}

// Takes away what the target keeps of attempts that are over: a server died between the end of a run and the removal.
void sweep(compute::ComputeTarget& target, store::Store& store) {
  const Result<std::vector<compute::KeptAttempt>> kept = target.kept();
  if (!kept) {
    log_warning("leftovers not swept target={} error={:?}", target.kind(), kept.error().to_string());
    return;
  }
  for (const compute::KeptAttempt& attempt : *kept) {
    const Result<std::optional<Run>> run = find_run(store, attempt.run);
    const bool is_over = run && (!*run || is_terminal((*run)->status) || (*run)->attempt != attempt.attempt);
    if (!is_over) continue;
    if (!*run && !is_gone(target, attempt)) continue;
    const Status removed = target.remove(attempt.handle);
    if (removed)
      log_info("leftover removed run={:?} attempt={}", attempt.run.run_id, attempt.attempt);
    else
      log_warning("leftover not removed run={:?} error={:?}", attempt.run.run_id, removed.error().to_string());
  }
}

}  // namespace

Engine::Engine(Services services, EngineConfig config)
    : services_(std::move(services)), config_(config), leases_(services_), retries_(config.retries) {
  services_.is_stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
}

Engine::~Engine() { stop(); }

Status Engine::start() {
  const std::function<Result<std::vector<Run>>(store::Reader&)> unfinished = [](store::Reader& reader) {
    return reader.unfinished_managed_runs();
  };
  TRY(const std::vector<Run> runs, store::read<std::vector<Run>>(services_.store, unfinished));
  compute::TargetEvents events;
  events.room_changed = [this] { room_changed(); };
  events.preempted = [this](const RunKey& key, int64_t attempt) { preempted(key, attempt); };
  services_.targets.watch(std::move(events));
  CHECK_OK(services_.targets.open_all(services_.store));
  for (const Run& run : runs) take_up(run);
  ticker_ = std::thread([this] { tick(); });
  for (const Run& run : runs) wake(run.key);
  for (const TargetRegistry::Entry& entry : services_.targets.list("*")) {
    services_.builders.post([target = entry.target, &store = services_.store] { sweep(*target, store); });
    if (entry.managed != nullptr) tasks_.spawn(delete_after_runs(services_, entry.workspace, entry.name));
  }
  if (!runs.empty()) log_info("engine started unfinished_runs={}", runs.size());
  return {};
}

void Engine::take_up(const Run& run) {
  const HoldingRun room = room_of(run);
  const std::lock_guard lock(mutex_);
  if (run.status == RunStatus::kQueued) {
    waiting_[run.key] = queued(run, room);
  } else if (holds_node(run.status) && run.attempt > 0) {
    holding_[run.key] = room;
    recover_.insert(run.key);
  }
}

void Engine::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  ticker_wake_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  services_.targets.stop();
  tasks_.stop();
}

size_t Engine::active_runs() const {
  const std::lock_guard lock(mutex_);
  return holding_.size() + waiting_.size() + driven_.size();
}

Task<Result<Submitted>> Engine::submit(Submission submission) {
  RunPool pool;
  const std::string workspace = submission.workspace;
  if (submission.spec.target == kRunPoolTarget) {
    Submission copy = submission;
    CO_TRY(pool, co_await make_run_pool(services_, std::move(copy)));
    submission.spec.target = pool.target;
  }
  Result<Submitted> submitted = co_await lifecycle::submit(services_, std::move(submission));
  if (pool.is_new && (!submitted || submitted->repeated)) co_await delete_after_runs(services_, workspace, pool.target);
  failpoint_kill("submit.after_commit");
  if (submitted && !submitted->repeated) {
    log_info("run submitted run={:?} experiment={} target={} user={}", submitted->run.key.run_id, submitted->run.experiment,
             submitted->run.target, submitted->run.created_by);
    wake(submitted->run.key);
  }
  co_return submitted;
}

Task<Result<Run>> Engine::cancel(RunKey key, std::string who) {
  Result<std::vector<RunKey>> woken = co_await request_cancel(services_, key, std::move(who));
  if (!woken) co_return fail(std::move(woken).error());
  failpoint_kill("cancel.after_commit");
  for (const RunKey& each : *woken) wake(each);
  Result<std::optional<Run>> run = find_run(services_.store, key);
  if (!run) co_return fail(std::move(run).error());
  if (!*run) co_return fail(errors::run_not_found, "the run was deleted meanwhile");
  co_return std::move(**run);
}

Task<Result<ReportAnswer>> Engine::report(RunKey key, RunnerReport report) {
  Result<ReportAnswer> answer = co_await take_report(services_, leases_, key, std::move(report));
  if (answer && (answer->ended || answer->rank_ended)) wake(key);
  co_return answer;
}

void Engine::wake(const RunKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    const auto [driven, is_new] = driven_.try_emplace(key, false);
    if (!is_new) {
      driven->second = true;
      return;
    }
  }
  // On a thread of the pool: the caller may be the store's or a connection's.
  services_.pool.post([this, key] { tasks_.spawn(drive(key)); });
}

Task<void> Engine::drive(RunKey key) {
  bool again = true;
  while (again) {
    again = false;
    const Status done = co_await step(key, again);
    if (!done) log_error("step failed run={:?} error={:?}", key.run_id, done.error().to_string());
    if (!notes_outcome(key, done)) {
      const Result<bool> has_ended = co_await give_up(key, done.error());
      again = has_ended && *has_ended;  // there is still to clean up
      if (!has_ended) log_error("run not given up run={:?} error={:?}", key.run_id, has_ended.error().to_string());
    }
    const std::lock_guard lock(mutex_);
    const auto driven = driven_.find(key);
    if (driven->second && !stopping_) again = true;
    driven->second = false;
    if (!again || stopping_) {
      driven_.erase(driven);
      break;
    }
  }
}

// False where the run has to be given up.
bool Engine::notes_outcome(const RunKey& key, const Status& done) {
  const std::lock_guard lock(mutex_);
  if (!done) return retries_.note_failure(key, done.error(), services_.clock.monotonic_now()) || stopping_;
  retries_.forget(key);
  return true;
}

// Ends a run that Werkbank cannot go on with. Its runner, if there is one, is ended where the target answers; otherwise by
// itself, when it is told that its lease is over. False where the run had ended before: what failed is tried on.
Task<Result<bool>> Engine::give_up(RunKey key, Error error) {
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.attempts(key);
  };
  CO_TRY(const std::vector<Attempt> attempts, store::read<std::vector<Attempt>>(services_.store, find));
  const std::vector<RankHandle> ranks = attempts.empty() ? std::vector<RankHandle>() : rank_handles(attempts.back());
  for (const RankHandle& rank : ranks) {
    const Result<compute::ComputeTarget*> target = services_.targets.find(key.workspace, attempts.back().target);
    if (!target) break;
    const auto kill = [target = *target, &rank] { return target->kill(rank.handle); };
    const Status killed = co_await services_.pool.run(kill);
    if (!killed) log_warning("runner not ended run={:?} error={:?}", key.run_id, killed.error().to_string());
  }
  const int64_t tries = config_.retries.failures_max;
  std::function<Result<bool>(store::Transaction&)> apply = [this, key, error,
                                                            tries](store::Transaction& transaction) -> Result<bool> {
    TRY(auto run, transaction.run(key));
    if (!run || is_terminal(run->status)) return false;
    RunEnd end;
    end.kind = run->cancel_requested ? RunEndKind::kCanceled : RunEndKind::kGivenUp;
    end.who = run->cancel_who;
    end.message =
        fmt::format("Werkbank could not go on with the run: {} tries failed, the last one because: {}", tries, error.to_string());
    end.hint = std::string(error.remedy());
    CHECK_OK(end_run(transaction, services_.clock, *run, std::move(end)));
    return true;
  };
  co_return co_await store::write<bool>(services_.store, std::move(apply));
}

Task<Status> Engine::step(RunKey key, bool& again) {
  CO_TRY(const std::optional<Run> run, find_run(services_.store, key));
  if (!run) co_return Status{};
  switch (run->status) {
    case RunStatus::kNotStarted:
    case RunStatus::kPreparing: {
      Status prepared = co_await prepare_run(services_, key);
      again = prepared.has_value();
      co_return prepared;
    }
    case RunStatus::kQueued:
      co_return co_await step_queued(*run);
    case RunStatus::kStarting: {
      CO_CHECK_OK(co_await launch_run(services_, key));
      CO_CHECK_OK(expect_ranks(key));
      CO_CHECK_OK(co_await recover_if_asked(key));
      CO_CHECK_OK(co_await requeue_if_preempted(key));
      CO_CHECK_OK(co_await end_other_ranks(services_, key));
      CO_TRY(const std::optional<Run> launched, find_run(services_.store, key));
      again = launched && (is_terminal(launched->status) || launched->status == RunStatus::kCancelRequested ||
                           launched->status == RunStatus::kQueued);
      co_return Status{};
    }
    case RunStatus::kCancelRequested:
      co_return co_await step_cancel(*run, again);
    case RunStatus::kCompleted:
    case RunStatus::kFailed:
    case RunStatus::kCanceled:
      co_await clean_up(*run);
      delete_pool_of(*run);
      co_return co_await place_waiting();
    default:
      break;
  }
  CO_CHECK_OK(co_await recover_if_asked(key));
  CO_CHECK_OK(co_await requeue_if_preempted(key));
  CO_CHECK_OK(co_await end_other_ranks(services_, key));
  CO_TRY(const std::optional<Run> now, find_run(services_.store, key));
  again = !is_terminal(run->status) && now && (is_terminal(now->status) || now->status == RunStatus::kQueued);
  co_return Status{};
}

// Where the run is to be looked after. What fails is to be done again.
Task<Status> Engine::recover_if_asked(RunKey key) {
  {
    const std::lock_guard lock(mutex_);
    if (recover_.erase(key) == 0) co_return Status{};
  }
  Status recovered = co_await recover_run(services_, leases_, key);
  const std::lock_guard lock(mutex_);
  if (!recovered) recover_.insert(key);
  co_return recovered;
}

// The runners of several ranks: one that ends before it first reports is missed, too.
Status Engine::expect_ranks(const RunKey& key) {
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.attempts(key);
  };
  TRY(const std::vector<Attempt> attempts, store::read<std::vector<Attempt>>(services_.store, find));
  if (attempts.empty()) return {};
  const Attempt& attempt = attempts.back();
  for (const RankHandle& rank : rank_handles(attempt)) {
    if (rank.rank > 0 && !attempt.rank_ends.contains(rank.rank) && leases_.is_silent(key, rank.rank))
      leases_.expect(key, attempt.number, attempt.lease, rank.rank);
  }
  return {};
}

Task<Status> Engine::step_queued(Run run) {
  const HoldingRun room = room_of(run);
  {
    const std::lock_guard lock(mutex_);
    holding_.erase(run.key);  // where it was queued again
    recover_.erase(run.key);
    waiting_.try_emplace(run.key, queued(run, room));
  }
  co_return co_await place_waiting();
}

Task<Status> Engine::step_cancel(Run run, bool& again) {
  if (run.attempt == 0) {  // canceled while its environment was built
    const RunKey key = run.key;
    std::function<Status(store::Transaction&)> apply = [this, key](store::Transaction& transaction) -> Status {
      TRY(auto current, transaction.run(key));
      if (!current || is_terminal(current->status)) return {};
      RunEnd end;
      end.kind = RunEndKind::kCanceled;
      end.who = current->cancel_who;
      return end_run(transaction, services_.clock, *current, std::move(end));
    };
    co_return co_await services_.store.write(std::move(apply));
  }
  CO_CHECK_OK(co_await launch_run(services_, run.key));
  CO_CHECK_OK(co_await deliver_cancel(services_, run.key));
  CO_CHECK_OK(co_await recover_if_asked(run.key));
  CO_TRY(const std::optional<Run> now, find_run(services_.store, run.key));
  again = now && is_terminal(now->status);  // there is still to clean up
  co_return Status{};
}

// The ended run's room is free at once; its work folder goes when its runner has gone.
Task<void> Engine::clean_up(Run run) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase(run.key);
    holding_.erase(run.key);
    recover_.erase(run.key);
    preempted_.erase(run.key);
  }
  leases_.forget(run.key);
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&run](store::Reader& reader) {
    return reader.attempts(run.key);
  };
  const Result<std::vector<Attempt>> attempts = store::read<std::vector<Attempt>>(services_.store, find);
  if (!attempts) co_return;
  for (const Attempt& attempt : *attempts) {
    const Result<compute::ComputeTarget*> target = services_.targets.find(run.key.workspace, attempt.target);
    if (!target) continue;
    for (const RankHandle& rank : rank_handles(attempt)) {
      // Not awaited: the next run shall not wait for the folder of this one.
      services_.builders.post([target = *target, handle = rank.handle, run_id = run.key.run_id] {
        const Status removed = target->remove(handle);
        if (!removed) log_warning("work folder not removed run={:?} error={:?}", run_id, removed.error().to_string());
      });
    }
  }
}

void Engine::tick() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    ticker_wake_.wait_for(lock, config_.tick);
    if (stopping_) return;
    const std::vector<RunKey> due = retries_.take_due(services_.clock.monotonic_now());
    lock.unlock();
    for (const RunKey& key : due) wake(key);
    for (const RunKey& key : leases_.lapsed(config_.lease_silence)) {
      log_warning("runner silent run={:?}", key.run_id);
      {
        const std::lock_guard marking(mutex_);
        recover_.insert(key);
      }
      wake(key);
    }
    lock.lock();
  }
}

}  // namespace werkbank::lifecycle
