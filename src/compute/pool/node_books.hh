// The nodes of one pool, and what is on them: plain data with its file, so that a server that comes back knows what was held.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hh"
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
  PoolNode* find_free();
  PoolNode* find(int64_t id);
  int64_t count(NodeState state) const;
  // Which free nodes to give back: the longest idle beyond `nodes_min` that were idle for so long, all beyond `nodes_max`.
  std::vector<int64_t> to_scale_down(int64_t nodes_min, int64_t nodes_max, int64_t idle_ms, UtcMs now) const;
  // When to_scale_down() would next name one; nothing where never.
  std::optional<UtcMs> next_scale_down(int64_t nodes_min, int64_t idle_ms) const;
};

json::object to_json(const NodeBooks& books);
Result<NodeBooks> node_books_from_json(const json::value& value);
Status write_books(const std::filesystem::path& path, const NodeBooks& books);
Result<NodeBooks> read_books(const std::filesystem::path& path);  // empty ones where there is no file

}  // namespace werkbank::compute
