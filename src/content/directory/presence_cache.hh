// Remembers which blobs are there, so that a snapshot of 20,000 known files costs no 20,000 looks at the disk. A table of fixed
// size in which a newer blob takes an older one's place: forgetting only costs a look. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "base/hash.hh"

namespace werkbank::content {

class PresenceCache {
 public:
  // calloc: pages of the table that are never used are never resident.
  PresenceCache() : slots_(static_cast<Slot*>(std::calloc(kSetCount * kSetSlots, sizeof(Slot)))) {
    if (!slots_) throw std::bad_alloc();
  }

  // The size of a blob that was used after `oldest_s`.
  std::optional<uint64_t> find(const Hash& hash, int64_t oldest_s) const {
    for (const Slot& slot : set_of(hash)) {
      if (slot.used_s != 0 && slot.hash == hash) return slot.used_s > oldest_s ? std::optional(slot.size_bytes) : std::nullopt;
    }
    return std::nullopt;
  }
  // Takes the place of what was known of this blob, or of the one of its set whose use lies farthest back.
  void remember(const Hash& hash, uint64_t size_bytes, int64_t used_s) {
    Slot* taken = nullptr;
    for (Slot& slot : set_of(hash)) {
      if (slot.used_s != 0 && slot.hash == hash) {
        taken = &slot;
        break;
      }
      if (taken == nullptr || slot.used_s < taken->used_s) taken = &slot;
    }
    *taken = Slot{hash, size_bytes, used_s};
  }
  void forget(const Hash& hash) {
    for (Slot& slot : set_of(hash)) {
      if (slot.hash == hash) slot.used_s = 0;
    }
  }

 private:
  // Several slots for the hashes that begin the same: with one, a third of the slots in use would already be fought over.
  static constexpr size_t kSetCount = 1 << 14, kSetSlots = 4;
  struct Slot {
    Hash hash;
    uint64_t size_bytes;
    int64_t used_s;  // 0: the slot is free
  };
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  std::span<Slot> set_of(const Hash& hash) const {
    const size_t set = (static_cast<size_t>(hash.bytes[0]) << 8 | hash.bytes[1]) % kSetCount;
    return {slots_.get() + set * kSetSlots, kSetSlots};
  }

  std::unique_ptr<Slot, Free> slots_;
};

}  // namespace werkbank::content
