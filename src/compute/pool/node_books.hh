// The nodes of one pool, and what is on them: plain data with its file, so that a server that comes back knows what was held.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hh"
#include "compute/pool/vm_sizes.hh"
#include "domain/launch.hh"

namespace werkbank::compute {

enum class NodeState { kIdle, kPreparing, kRunning, kLeaving, kPreempted };
std::string_view to_string(NodeState state);  // v1's words: "idle" …

// A process of a run on a node: one rank of an attempt.
struct Occupant {
  int64_t rank = 0;
  json::object handle;  // of the target that runs it; empty until it is started
};

struct PoolNode {
  int64_t id = 0;  // 1, 2, … in the pool, never used again
  MachineSlice slice;
  NodeState state = NodeState::kIdle;
  RunKey run;  // empty run_id: nobody's
  int64_t attempt = 0;
  int64_t run_node = 0;  // which of the run's nodes it is
  std::vector<Occupant> occupants;
  UtcMs since_ms = 0;  // in this state

  bool is_free() const { return occupants.empty() && state == NodeState::kIdle; }
};

struct NodeBooks {
  int64_t last_id = 0;
  std::vector<PoolNode> nodes;

  // The node of this rank's run and number, if it has one already.
  PoolNode* find_node_of(const LaunchPlan& plan);
  const PoolNode* find_node_of(const LaunchPlan& plan) const;
  PoolNode* find_free();
  // How many nodes these plans of one run need beyond the free ones.
  int64_t lacking(const std::vector<LaunchPlan>& plans) const;
  // The plan's rank on its run's node, or on a free one, which there is.
  void occupy(const LaunchPlan& plan, UtcMs now);
  // Who is there of the run and attempt of these plans.
  std::vector<Occupant> occupants_of(const std::vector<LaunchPlan>& plans) const;
  // Frees nodes of those that leave. Answers the ones that were preempted and are empty now.
  std::vector<int64_t> vacate(const std::function<bool(const PoolNode&, const Occupant&)>& leaves, UtcMs now);
  PoolNode* find(int64_t id);
  int64_t count(NodeState state) const;
  // Which free nodes to give back: the longest idle beyond `nodes_min` that were idle for so long, all beyond `nodes_max`.
  std::vector<int64_t> to_scale_down(int64_t nodes_min, int64_t nodes_max, int64_t idle_ms, UtcMs now) const;
  // Which nodes to give up for so much: idle ones first, then those with runs, the newest first, until it is enough. Who wants no
  // busy ones leaves the pool its least number, too.
  struct GivenUp {
    std::vector<int64_t> idle, busy;
  };
  GivenUp to_give_up(const VmSize& wanted, bool also_busy, int64_t nodes_min) const;
  // When to_scale_down() would next name one; nothing where never.
  std::optional<UtcMs> next_scale_down(int64_t nodes_min, int64_t idle_ms) const;
};

json::object state_counts(const NodeBooks& books);                         // "idleNodeCount" … as v1 has them
json::array listed(const NodeBooks& books, const std::string& pool_name);  // a document for each node
json::object to_json(const NodeBooks& books);
Result<NodeBooks> node_books_from_json(const json::value& value);
Status write_books(const std::filesystem::path& path, const NodeBooks& books);
Result<NodeBooks> read_books(const std::filesystem::path& path);  // empty ones where there is no file

}  // namespace werkbank::compute
