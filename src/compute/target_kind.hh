// Kinds of compute targets that users make, change and delete while the server runs. Their records are the store's; what their
// settings mean, and what such a target is, is known here. A kind is one class and one line in main/targets.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "compute/compute_target.hh"
#include "domain/compute_target.hh"

namespace werkbank::compute {

// What a target tells the lifecycle unasked. Called on the target's own threads, with none of its locks held.
struct TargetEvents {
  std::function<void()> room_changed = [] {};  // capacity() may answer more than before
  // The target takes the room of this attempt back: its run is to be queued again, and the attempt to be removed.
  std::function<void(RunKey run, int64_t attempt)> preempted = [](const RunKey&, int64_t) {};
};

// What one node has.
struct NodeSize {
  int64_t cores = 0, memory_mib = 0, gpus = 0;
};

// A target with a record. Thread-safe.
class ManagedTarget : public ComputeTarget {
 public:
  // What its status shows beside its settings, in v1's words.
  virtual json::object status() = 0;
  virtual json::array nodes() = 0;
  // The record's settings have changed; they have passed TargetKind::check().
  virtual Status update(const ComputeTargetRecord& record) = 0;
  // From now on it is watched by these; set once, before the first start().
  virtual void watch(TargetEvents events) = 0;
  // The record is gone, no run is under way: gives everything back and removes what it keeps on disk. Idempotent.
  virtual Status close() = 0;
  // Ends its own threads: watchers are told nothing any more. Its runs go on.
  virtual void stop() = 0;
  // never_fits, naming the limit, where a run that wants so many nodes could wait for ever.
  virtual Status check_nodes(int64_t node_count) = 0;
  virtual NodeSize node_size() const = 0;
};

class TargetKind {
 public:
  virtual ~TargetKind() = default;
  virtual std::string name() const = 0;  // "AmlCompute"
  // The settings, whole, with defaults. `previous`: what is changed; null for a new target. Refuses what can never be.
  virtual Result<json::object> check(const json::object& settings, const json::object* previous) const = 0;
  // Whether the one's settings can become the other's by an update.
  virtual bool is_same_make(const json::object& a, const json::object& b) const = 0;
  // A target as the record says, with what an earlier server has left of it.
  virtual Result<std::unique_ptr<ManagedTarget>> open(const ComputeTargetRecord& record) const = 0;
  // What can be chosen from here: sizes of nodes.
  virtual json::array sizes() const = 0;
};

}  // namespace werkbank::compute
