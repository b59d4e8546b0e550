#include "lifecycle/cancel.hh"

#include <fmt/format.h>

#include "lifecycle/gang.hh"
#include "lifecycle/moves.hh"

namespace werkbank::lifecycle {
namespace {

Status cancel_one(store::Transaction& transaction, const Clock& clock, Run run, const std::string& who) {
  if (is_terminal(run.status) || run.cancel_requested) return {};
  run.cancel_requested = true;
  run.cancel_who = who;
  const bool managed = run.control == RunControl::kManaged;
  const bool holds_nothing = run.status == RunStatus::kNotStarted || run.status == RunStatus::kQueued || !managed;
  if (holds_nothing) {
    RunEnd end;
    end.kind = RunEndKind::kCanceled;
    end.who = who;
    return end_run(transaction, clock, run, std::move(end));
  }
  return move_run(transaction, clock, run, RunStatus::kCancelRequested);
}

// Asks the runners of all ranks that have not ended. One that does not answer does not keep the others from being asked.
Task<Status> cancel_ranks(Services& services, Attempt attempt) {
  CO_TRY(compute::ComputeTarget* const target, services.targets.find(attempt.run.workspace, attempt.target));
  Status outcome;
  for (const RankHandle& rank : rank_handles(attempt)) {
    if (attempt.rank_ends.contains(rank.rank)) continue;
    const auto cancel = [target, &rank] { return target->cancel(rank.handle); };
    Status asked = co_await services.pool.run(cancel);
    if (!asked) outcome = std::move(asked);
  }
  co_return outcome;
}

}  // namespace

Task<Result<std::vector<RunKey>>> request_cancel(Services& services, RunKey key, std::string who) {
  std::function<Result<std::vector<RunKey>>(store::Transaction&)> apply =
      [&services, key, who](store::Transaction& transaction) -> Result<std::vector<RunKey>> {
    TRY(auto run, transaction.run(key));
    if (!run)
      return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
    std::vector<RunKey> woken{key};
    std::vector<RunKey> parents{key};
    CHECK_OK(cancel_one(transaction, services.clock, std::move(*run), who));
    while (!parents.empty()) {
      store::RunQuery children;
      children.workspace = key.workspace;
      children.parent_id = parents.back().run_id;
      children.limit = 1000;
      parents.pop_back();
      do {
        TRY(auto page, transaction.runs(children));
        for (Run& child : page.items) {
          parents.push_back(child.key);
          woken.push_back(child.key);
          CHECK_OK(cancel_one(transaction, services.clock, std::move(child), who));
        }
        children.cursor = page.next;
      } while (!children.cursor.empty());
    }
    return woken;
  };
  co_return co_await store::write<std::vector<RunKey>>(services.store, std::move(apply));
}

Task<Status> deliver_cancel(Services& services, RunKey key) {
  const std::function<Result<std::vector<Attempt>>(store::Reader&)> find = [&key](store::Reader& reader) {
    return reader.attempts(key);
  };
  CO_TRY(const std::vector<Attempt> attempts, store::read<std::vector<Attempt>>(services.store, find));
  if (attempts.empty() || !is_started(attempts.back())) co_return Status{};  // the launch step asks again once it has the handle
  co_return co_await cancel_ranks(services, attempts.back());
}

Task<Status> end_other_ranks(Services& services, RunKey key) {
  using Found = std::optional<Attempt>;
  const std::function<Result<Found>(store::Reader&)> find = [&key](store::Reader& reader) -> Result<Found> {
    TRY(const std::vector<Attempt> attempts, reader.attempts(key));
    if (attempts.empty() || attempts.back().rank_ends.empty() || !is_started(attempts.back())) return Found();
    TRY(const std::optional<RunSpec> spec, reader.run_spec(key));
    if (!spec || !others_are_to_end(*spec, attempts.back().rank_ends)) return Found();
    return attempts.back();
  };
  CO_TRY(const Found attempt, store::read<Found>(services.store, find));
  if (!attempt) co_return Status{};
  Attempt current = *attempt;
  co_return co_await cancel_ranks(services, std::move(current));
}

}  // namespace werkbank::lifecycle
