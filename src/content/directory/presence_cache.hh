// Remembers which blobs are there, so that a snapshot of 20,000 known files costs no 20,000 looks at the disk. A table of fixed
// size in which a newer blob takes an older one's place: forgetting only costs a look. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include "base/hash.hh"

namespace werkbank::content {

class PresenceCache {
 public:
  // calloc: pages of the table that are never used are never resident.
  PresenceCache() : slots_(static_cast<Slot*>(std::calloc(kSlotCount, sizeof(Slot)))) {
    if (!slots_) throw std::bad_alloc();
  }

  // The size of a blob that was used after `oldest_s`.
  std::optional<uint64_t> find(const Hash& hash, int64_t oldest_s) const {
    const Slot& slot = slots_.get()[index(hash)];
    if (slot.used_s <= oldest_s || slot.used_s == 0 || slot.hash != hash) return std::nullopt;
    return slot.size_bytes;
  }
  void remember(const Hash& hash, uint64_t size_bytes, int64_t used_s) {
    slots_.get()[index(hash)] = Slot{hash, size_bytes, used_s};
  }
  void forget(const Hash& hash) {
    Slot& slot = slots_.get()[index(hash)];
    if (slot.hash == hash) slot.used_s = 0;
  }

 private:
  static constexpr size_t kSlotCount = 1 << 16;
  struct Slot {
    Hash hash;
    uint64_t size_bytes;
    int64_t used_s;  // 0: the slot is free
  };
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  static size_t index(const Hash& hash) { return static_cast<size_t>(hash.bytes[0]) << 8 | hash.bytes[1]; }

  std::unique_ptr<Slot, Free> slots_;
};

}  // namespace werkbank::content
