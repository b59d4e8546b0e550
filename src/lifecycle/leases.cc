#include "lifecycle/leases.hh"

#include <fmt/format.h>

namespace werkbank::lifecycle {

Result<Leases::Holder> Leases::load(const RunKey& key) {
  const std::function<Result<Holder>(store::Reader&)> action = [&key](store::Reader& reader) -> Result<Holder> {
    TRY(const auto run, reader.run(key));
    if (!run)
      return fail(errors::run_not_found, fmt::format("there is no run {:?} in workspace {:?}", key.run_id, key.workspace));
    TRY(const auto attempts, reader.attempts(key));
    if (attempts.empty() || is_terminal(run->status)) {
      return fail(errors::lease_lost, fmt::format("the run {:?} has no attempt under way", key.run_id));
    }
    return Holder{attempts.back().number, attempts.back().lease};
  };
  return store::read<Holder>(services_.store, action);
}

Status Leases::check(const RunKey& run, int64_t attempt, const std::string& lease, int64_t rank) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = holders_.find(run);
        found != holders_.end() && found->second.attempt == attempt && found->second.lease == lease) {
      found->second.ranks[rank] = Watch{services_.clock.monotonic_now()};
      return {};
    }
  }
  TRY(Holder holder, load(run));
  if (holder.attempt != attempt || holder.lease != lease) {
    return fail(errors::lease_lost,
                fmt::format("attempt {} of run {:?} is not the current one ({})", attempt, run.run_id, holder.attempt));
  }
  expect(run, attempt, lease, rank);
  return {};
}

void Leases::expect(const RunKey& run, int64_t attempt, const std::string& lease, int64_t rank) {
  const std::lock_guard lock(mutex_);
  Holder& holder = holders_[run];
  if (holder.attempt != attempt || holder.lease != lease) holder = Holder{attempt, lease};
  Watch& watch = holder.ranks[rank];
  watch.heard = services_.clock.monotonic_now();
  watch.reported = false;
}

int64_t Leases::count_recovery(const RunKey& run, int64_t rank) {
  const std::lock_guard lock(mutex_);
  return ++holders_[run].ranks[rank].recoveries;
}

bool Leases::is_silent(const RunKey& run, int64_t rank) {
  const std::lock_guard lock(mutex_);
  const auto holder = holders_.find(run);
  if (holder == holders_.end()) return true;
  const auto watch = holder->second.ranks.find(rank);
  return watch == holder->second.ranks.end() || watch->second.reported;
}

void Leases::forget_rank(const RunKey& run, int64_t rank) {
  const std::lock_guard lock(mutex_);
  if (const auto holder = holders_.find(run); holder != holders_.end()) holder->second.ranks.erase(rank);
}

void Leases::forget(const RunKey& run) {
  const std::lock_guard lock(mutex_);
  holders_.erase(run);
}

std::vector<RunKey> Leases::lapsed(std::chrono::milliseconds silence) {
  const std::lock_guard lock(mutex_);
  const std::chrono::milliseconds now = services_.clock.monotonic_now();
  std::vector<RunKey> found;
  for (auto& [key, holder] : holders_) {
    bool is_new = false;
    for (auto& [rank, watch] : holder.ranks) {
      if (watch.reported || now - watch.heard <= silence) continue;
      watch.reported = is_new = true;
    }
    if (is_new) found.push_back(key);
  }
  return found;
}

}  // namespace werkbank::lifecycle
