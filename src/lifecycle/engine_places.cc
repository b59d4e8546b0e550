// Queued runs get their room: the engine's side of place.cc.
#include <algorithm>

#include "base/failpoint.hh"
#include "base/hash.hh"
#include "base/log.hh"
#include "lifecycle/engine.hh"
#include "lifecycle/moves.hh"
#include "lifecycle/quotas.hh"

namespace werkbank::lifecycle {

// What it takes while it holds its room: the nodes it needs at once; where a target has but one, the run has that.
HoldingRun Engine::room_of(const Run& run) {
  HoldingRun room{services_.targets.key(run.key.workspace, run.target), run.parent_id};
  room.user = run.created_by;
  room.needs.runs = 1;
  const Result<compute::ComputeTarget*> target = services_.targets.find(run.key.workspace, run.target);
  if (!target || !(*target)->capabilities().several_nodes) return room;
  using Found = std::optional<RunSpec>;
  const std::function<Result<Found>(store::Reader&)> find = [&run](store::Reader& reader) { return reader.run_spec(run.key); };
  const Result<Found> spec = store::read<Found>(services_.store, find);
  if (!spec || !*spec) return room;
  room.slots = (*spec)->node_count;
  room.needs = needs_of(services_, run.key.workspace, **spec);
  return room;
}

QueuedRun Engine::queued(const Run& run, const HoldingRun& room) {
  QueuedRun queued{run.key, room.target, run.priority, run.queued_ms, ++arrivals_, room.parent_id, room.slots};
  queued.user = room.user;
  queued.needs = room.needs;
  return queued;
}

Result<QuotaBook> Engine::quota_book(const std::string& workspace, bool with_disk) {
  QuotaBook book;
  CHECK_OK(services_.store.read([&](store::Reader& reader) -> Status {
    TRY(book.quotas, quotas_of(reader, workspace));
    if (!with_disk) return {};
    TRY(const auto disk, disk_use(reader, workspace));
    for (const auto& [user, mib] : disk) book.take(user, {.disk_mib = mib});
    return {};
  }));
  const std::lock_guard lock(mutex_);
  for (const auto& [key, held] : holding_) {
    if (key.workspace == workspace) book.take(held.user, held.needs);
  }
  return book;
}

// Of the workspaces that have runs in the queue.
std::map<std::string, QuotaBook> Engine::quota_books(const std::vector<QueuedRun>& queue) {
  std::map<std::string, QuotaBook> books;
  for (const QueuedRun& run : queue) {
    const auto [book, is_new] = books.try_emplace(run.key.workspace);
    if (!is_new) continue;
    Result<QuotaBook> found = quota_book(run.key.workspace, false);
    if (found)
      book->second = std::move(*found);
    else
      log_error("quotas not read workspace={:?} error={:?}", run.key.workspace, found.error().to_string());
  }
  return books;
}

Task<Result<Engine::Room>> Engine::free_room() {
  std::map<std::string, int64_t> running;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, queued] : waiting_) running.try_emplace(queued.target, 0);
    for (const auto& [key, held] : holding_) {
      if (const auto found = running.find(held.target); found != running.end()) found->second += held.slots;
    }
  }
  Room room;
  std::map<std::string, std::string> no_room;
  for (const auto& [name, count] : running) {
    const size_t slash = name.find('/');
    const bool is_own = slash == name.npos;
    const Result<compute::ComputeTarget*> found =
        services_.targets.find(is_own ? "" : name.substr(0, slash), is_own ? name : name.substr(slash + 1));
    if (!found) {
      no_room[name] = found.error().to_string();
      continue;
    }
    const auto ask = [target = *found, held = count] { return target->capacity(held); };
    const Result<compute::Capacity> capacity = co_await services_.pool.run(ask);
    const compute::Capabilities capabilities = (*found)->capabilities();
    if (capacity) room.rooms[name] = {capacity->free_slots, std::max<int64_t>(1, capabilities.runs_at_once)};
    if (capacity && capacity->free_slots <= 0 && capabilities.may_overbook) room.full_and_elastic.insert(name);
    if (!capacity)
      no_room[name] = capacity.error().to_string();
    else if (capacity->free_slots <= 0)
      no_room[name] = capacity->reason;
  }
  const std::lock_guard lock(mutex_);
  no_room_ = std::move(no_room);
  rooms_ = room.rooms;
  co_return room;
}

// Queued → Starting, each with a new attempt and lease.
Task<Result<std::vector<Attempt>>> Engine::begin_attempts(std::vector<RunKey> placed) {
  std::function<Result<std::vector<Attempt>>(store::Transaction&)> apply =
      [this, placed](store::Transaction& transaction) -> Result<std::vector<Attempt>> {
    std::vector<Attempt> begun;
    for (const RunKey& key : placed) {
      TRY(auto run, transaction.run(key));
      if (!run || run->status != RunStatus::kQueued) continue;
      run->attempt += 1;
      Attempt attempt;
      attempt.run = key;
      attempt.number = run->attempt;
      attempt.lease = random_hex(16);
      attempt.target = run->target;
      attempt.started_ms = services_.clock.utc_now_ms();
      CHECK_OK(transaction.put_attempt(attempt));
      CHECK_OK(move_run(transaction, services_.clock, *run, RunStatus::kStarting));
      begun.push_back(std::move(attempt));
    }
    return begun;
  };
  co_return co_await store::write<std::vector<Attempt>>(services_.store, std::move(apply));
}

// One placement at a time: whoever finds one under way leaves a mark and goes.
Task<Status> Engine::place_waiting() {
  {
    const std::lock_guard lock(mutex_);
    place_again_ = true;
    if (placing_) co_return Status{};
    placing_ = true;
  }
  Status outcome;
  while (true) {
    std::vector<QueuedRun> queue;
    std::map<RunKey, HoldingRun> holding;
    {
      const std::lock_guard lock(mutex_);
      if (!place_again_ || stopping_ || waiting_.empty()) {
        placing_ = false;
        co_return outcome;
      }
      place_again_ = false;
      for (const auto& [key, run] : waiting_) queue.push_back(run);
      holding = holding_;
    }
    Result<Room> room = co_await free_room();
    if (!room) {
      outcome = fail(std::move(room).error());
      continue;
    }
    std::vector<RunKey> placed = place_beyond(queue, holding, room->full_and_elastic);
    std::map<std::string, QuotaBook> quotas = quota_books(queue);
    Placed fitting = place(std::move(queue), std::move(room->rooms), std::move(quotas));
    {
      const std::lock_guard lock(mutex_);
      beyond_quota_ = fitting.beyond_quota;
    }
    for (RunKey& key : fitting.runs) placed.push_back(std::move(key));
    if (placed.empty()) continue;
    std::vector<RunKey> wanted = placed;
    Result<std::vector<Attempt>> begun = co_await begin_attempts(std::move(wanted));
    failpoint_kill("place.after_commit");
    if (!begun) {
      outcome = fail(std::move(begun).error());
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      for (const Attempt& attempt : *begun) {
        const auto queued = waiting_.find(attempt.run);
        HoldingRun held{services_.targets.key(attempt.run.workspace, attempt.target), {}};
        if (queued != waiting_.end()) {
          held.parent_id = queued->second.parent_id;
          held.slots = queued->second.slots;
          held.user = queued->second.user;
          held.needs = queued->second.needs;
        }
        holding_[attempt.run] = std::move(held);
      }
      for (const RunKey& key : placed) waiting_.erase(key);
      for (const auto& [key, times] : fitting.overtaken) {
        if (const auto queued = waiting_.find(key); queued != waiting_.end()) queued->second.overtaken += times;
      }
    }
    for (const Attempt& attempt : *begun) {
      leases_.expect(attempt.run, attempt.number, attempt.lease);
      wake(attempt.run);
    }
  }
}

}  // namespace werkbank::lifecycle
