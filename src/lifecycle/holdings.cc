#include "lifecycle/holdings.hh"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

namespace werkbank::lifecycle {
namespace {

constexpr size_t kUnsettledMax = 20'000;

// Half a hash: what a workspace holds is mixed with its name, so that one table serves all of them.
struct Mark {
  std::array<uint8_t, 16> bytes{};
  bool operator==(const Mark&) const = default;
};

Mark mark_of(const Hash& workspace, const Hash& hash) {
  Mark mark;
  for (size_t i = 0; i < mark.bytes.size(); ++i) mark.bytes[i] = hash.bytes[i] ^ workspace.bytes[i];
  return mark;
}

}  // namespace

// So that a snapshot of 20,000 known files costs no 20,000 queries. A newer mark takes an older one's place. calloc: pages of the
// table that are never used are never resident.
struct Holdings::Cache {
  static constexpr size_t kSlotCount = 1 << 16;
  struct Free {
    void operator()(Mark* memory) const { std::free(memory); }
  };
  std::unique_ptr<Mark, Free> slots{static_cast<Mark*>(std::calloc(kSlotCount, sizeof(Mark)))};
  Cache() {
    if (!slots) throw std::bad_alloc();
  }
  Mark& slot(const Mark& mark) { return slots.get()[static_cast<size_t>(mark.bytes[0]) << 8 | mark.bytes[1]]; }
};

Holdings::Holdings(store::Store& store) : store_(store), cache_(std::make_unique<Cache>()) {}
Holdings::~Holdings() = default;

Result<std::vector<Hash>> Holdings::not_held(const std::string& workspace, const std::vector<Hash>& hashes) {
  const Hash name = Hash::of(workspace);
  std::vector<Hash> unknown;
  uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    forgotten = forgotten_;
    const auto fresh = unsettled_.find(workspace);
    for (const Hash& hash : hashes) {
      const Mark mark = mark_of(name, hash);
      if (cache_->slot(mark) == mark || (fresh != unsettled_.end() && fresh->second.contains(hash))) continue;
      unknown.push_back(hash);
    }
  }
  if (unknown.empty()) return unknown;
  const std::function<Result<std::vector<Hash>>(store::Reader&)> look = [&](store::Reader& reader) {
    return reader.blobs_not_held(workspace, unknown);
  };
  TRY(std::vector<Hash> missing, store::read<std::vector<Hash>>(store_, look));
  std::vector<Hash> sorted = missing;
  std::ranges::sort(sorted);
  const std::lock_guard lock(mutex_);
  if (forgotten != forgotten_) return missing;  // what was read may not hold any more
  for (const Hash& hash : unknown) {
    if (std::ranges::binary_search(sorted, hash)) continue;
    const Mark mark = mark_of(name, hash);
    cache_->slot(mark) = mark;
  }
  return missing;
}

Result<bool> Holdings::holds(const std::string& workspace, const Hash& hash) {
  TRY(const std::vector<Hash> missing, not_held(workspace, {hash}));
  return missing.empty();
}

Task<Status> Holdings::hold(std::string workspace, std::vector<Hash> hashes) {
  CO_TRY(const std::vector<Hash> fresh, not_held(workspace, hashes));
  bool is_full = false;
  {
    const std::lock_guard lock(mutex_);
    for (const Hash& hash : fresh) unsettled_count_ += unsettled_[workspace].insert(hash).second ? 1 : 0;
    is_full = unsettled_count_ >= kUnsettledMax;
  }
  if (!is_full) co_return Status{};
  std::string all;
  co_return co_await settle(std::move(all));
}

Task<Status> Holdings::settle(std::string workspace) {
  std::vector<std::string> workspaces{workspace};
  if (workspace.empty()) {
    const std::lock_guard lock(mutex_);
    workspaces.clear();
    for (const auto& [name, hashes] : unsettled_) workspaces.push_back(name);
  }
  for (const std::string& name : workspaces) {
    const std::vector<Hash> hashes = unsettled(name);
    std::function<Status(store::Transaction&)> apply = [name, hashes](store::Transaction& transaction) -> Status {
      TRY(const auto known, transaction.workspace(name));
      return known ? transaction.hold_blobs(name, hashes) : Status{};  // it was deleted meanwhile
    };
    CO_CHECK_OK(co_await store_.write(std::move(apply)));
    settled(name, hashes);
  }
  co_return Status{};
}

std::vector<Hash> Holdings::unsettled(const std::string& workspace) {
  const std::lock_guard lock(mutex_);
  const auto found = unsettled_.find(workspace);
  return found == unsettled_.end() ? std::vector<Hash>() : std::vector<Hash>(found->second.begin(), found->second.end());
}

void Holdings::settled(const std::string& workspace, const std::vector<Hash>& hashes) {
  const std::lock_guard lock(mutex_);
  const auto found = unsettled_.find(workspace);
  if (found == unsettled_.end()) return;
  for (const Hash& hash : hashes) unsettled_count_ -= found->second.erase(hash);
  if (found->second.empty()) unsettled_.erase(found);
}

void Holdings::forget_blobs(const std::vector<Hash>& gone) {
  const std::lock_guard lock(mutex_);
  forget_read();
  for (auto& [workspace, hashes] : unsettled_) {
    for (const Hash& hash : gone) unsettled_count_ -= hashes.erase(hash);
  }
  std::erase_if(unsettled_, [](const auto& entry) { return entry.second.empty(); });
}

void Holdings::forget_workspace(const std::string& workspace) {
  const std::lock_guard lock(mutex_);
  forget_read();
  const auto found = unsettled_.find(workspace);
  if (found == unsettled_.end()) return;
  unsettled_count_ -= found->second.size();
  unsettled_.erase(found);
}

// Under the lock: what was read of the store may not hold any more.
void Holdings::forget_read() {
  ++forgotten_;
  cache_ = std::make_unique<Cache>();
}

}  // namespace werkbank::lifecycle
