#include "compute/pool/node_books.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/files.hh"

namespace werkbank::compute {
namespace {

constexpr std::array<std::string_view, 5> kStates{"idle", "preparing", "running", "leaving", "preempted"};

NodeState state_from(std::string_view text) {
  const auto found = std::ranges::find(kStates, text);
  return found == kStates.end() ? NodeState::kIdle : static_cast<NodeState>(found - kStates.begin());
}

json::object to_json(const PoolNode& node) {
  json::array occupants;
  for (const Occupant& each : node.occupants) occupants.push_back(json::object{{"rank", each.rank}, {"handle", each.handle}});
  return {{"id", node.id},
          {"slice", werkbank::to_json(node.slice)},
          {"state", to_string(node.state)},
          {"workspace", node.run.workspace},
          {"runId", node.run.run_id},
          {"attempt", node.attempt},
          {"runNode", node.run_node},
          {"occupants", std::move(occupants)},
          {"sinceMs", node.since_ms}};
}

Result<PoolNode> node_from_json(const json::value& value) {
  JsonReader reader(value, "node");
  PoolNode node;
  node.id = reader.int_or("id", 0, 0, INT64_MAX);
  if (const json::value* const slice = reader.value("slice")) {
    TRY(node.slice, machine_slice_from_json(*slice));
  }
  node.state = state_from(reader.string_or("state"));
  node.run = {reader.string_or("workspace"), reader.string_or("runId")};
  node.attempt = reader.int_or("attempt", 0, 0, INT64_MAX);
  node.run_node = reader.int_or("runNode", 0, 0, INT64_MAX);
  node.since_ms = reader.int_or("sinceMs", 0, 0, INT64_MAX);
  if (const json::array* const occupants = reader.array("occupants")) {
    for (const json::value& each : *occupants) {
      JsonReader occupant(each, "occupant");
      Occupant read;
      read.rank = occupant.int_or("rank", 0, 0, INT64_MAX);
      if (const json::object* const handle = occupant.object("handle")) read.handle = *handle;
      CHECK_OK(occupant.finish(false));
      node.occupants.push_back(std::move(read));
    }
  }
  CHECK_OK(reader.finish(false));
  return node;
}

}  // namespace

std::string_view to_string(NodeState state) { return kStates[static_cast<size_t>(state)]; }

PoolNode* NodeBooks::find_node_of(const LaunchPlan& plan) {
  return const_cast<PoolNode*>(std::as_const(*this).find_node_of(plan));
}

const PoolNode* NodeBooks::find_node_of(const LaunchPlan& plan) const {
  const auto found = std::ranges::find_if(nodes, [&](const PoolNode& node) {
    return !node.occupants.empty() && node.run == plan.run && node.attempt == plan.attempt && node.run_node == plan.node;
  });
  return found == nodes.end() ? nullptr : &*found;
}

PoolNode* NodeBooks::find_free() {
  const auto found = std::ranges::find_if(nodes, &PoolNode::is_free);
  return found == nodes.end() ? nullptr : &*found;
}

int64_t NodeBooks::lacking(const std::vector<LaunchPlan>& plans) const {
  std::set<int64_t> missing;
  for (const LaunchPlan& plan : plans) {
    if (find_node_of(plan) == nullptr) missing.insert(plan.node);
  }
  return std::ssize(missing) - std::ranges::count_if(nodes, &PoolNode::is_free);
}

void NodeBooks::occupy(const LaunchPlan& plan, UtcMs now) {
  PoolNode* node = find_node_of(plan);
  if (node == nullptr) node = find_free();
  if (node->occupants.empty()) {
    node->run = plan.run;
    node->attempt = plan.attempt;
    node->run_node = plan.node;
    node->state = NodeState::kPreparing;
    node->since_ms = now;
  }
  if (std::ranges::find(node->occupants, plan.rank, &Occupant::rank) == node->occupants.end())
    node->occupants.push_back({plan.rank, {}});
}

std::vector<Occupant> NodeBooks::occupants_of(const std::vector<LaunchPlan>& plans) const {
  std::vector<Occupant> found;
  for (const PoolNode& node : nodes) {
    if (plans.empty() || node.run != plans.front().run || node.attempt != plans.front().attempt) continue;
    found.insert(found.end(), node.occupants.begin(), node.occupants.end());
  }
  return found;
}

std::vector<int64_t> NodeBooks::vacate(const std::function<bool(const PoolNode&, const Occupant&)>& leaves, UtcMs now) {
  std::vector<int64_t> given_up;
  for (PoolNode& node : nodes) {
    const size_t erased = std::erase_if(node.occupants, [&](const Occupant& each) { return leaves(node, each); });
    if (erased == 0 || !node.occupants.empty()) continue;
    if (node.state == NodeState::kPreempted) given_up.push_back(node.id);
    node.state = NodeState::kIdle;
    node.run = {};
    node.since_ms = now;
  }
  return given_up;
}

json::object state_counts(const NodeBooks& books) {
  return {{"preparingNodeCount", books.count(NodeState::kPreparing)}, {"runningNodeCount", books.count(NodeState::kRunning)},
          {"idleNodeCount", books.count(NodeState::kIdle)},           {"unusableNodeCount", 0},
          {"leavingNodeCount", books.count(NodeState::kLeaving)},     {"preemptedNodeCount", books.count(NodeState::kPreempted)}};
}

json::array listed(const NodeBooks& books, const std::string& pool_name) {
  json::array list;
  for (const PoolNode& node : books.nodes) {
    list.push_back(json::object{{"nodeId", fmt::format("{}-{}", pool_name, node.id)},
                                {"nodeState", to_string(node.state)},
                                {"runId", node.run.run_id.empty() ? json::value(nullptr) : json::value(node.run.run_id)},
                                {"sinceUtc", format_utc(node.since_ms)},
                                {"slice", werkbank::to_json(node.slice)}});
  }
  return list;
}

PoolNode* NodeBooks::find(int64_t id) {
  const auto found = std::ranges::find(nodes, id, &PoolNode::id);
  return found == nodes.end() ? nullptr : &*found;
}

int64_t NodeBooks::count(NodeState state) const { return std::ranges::count(nodes, state, &PoolNode::state); }

std::vector<int64_t> NodeBooks::to_scale_down(int64_t nodes_min, int64_t nodes_max, int64_t idle_ms, UtcMs now) const {
  std::vector<const PoolNode*> idle;
  for (const PoolNode& node : nodes) {
    if (node.is_free()) idle.push_back(&node);
  }
  std::ranges::sort(idle, {}, [](const PoolNode* node) { return std::pair(node->since_ms, node->id); });
  std::vector<int64_t> leaving;
  auto left = static_cast<int64_t>(nodes.size());
  for (const PoolNode* const node : idle) {
    const bool too_many = left > nodes_max;
    const bool too_long = left > nodes_min && now - node->since_ms >= idle_ms;
    if (!too_many && !too_long) break;
    leaving.push_back(node->id);
    --left;
  }
  return leaving;
}

NodeBooks::GivenUp NodeBooks::to_give_up(const VmSize& wanted, bool also_busy, int64_t nodes_min) const {
  GivenUp given_up;
  int64_t cores = 0, memory_mib = 0, gpus = 0;
  const auto count = [&](const PoolNode& node) {
    cores += std::ssize(node.slice.cores);
    memory_mib += static_cast<int64_t>(node.slice.memory_bytes >> 20);
    gpus += std::ssize(node.slice.gpus);
  };
  const auto is_enough = [&] { return cores >= wanted.cores && memory_mib >= wanted.memory_mib && gpus >= wanted.gpus; };
  for (const PoolNode& node : nodes) {
    if (node.state == NodeState::kPreempted) count(node);  // on its way already
  }
  for (const PoolNode& node : nodes) {
    if (is_enough() || (!also_busy && std::ssize(nodes) - std::ssize(given_up.idle) <= nodes_min)) break;
    if (!node.is_free()) continue;
    count(node);
    given_up.idle.push_back(node.id);
  }
  if (!also_busy) return given_up;
  for (auto node = nodes.rbegin(); node != nodes.rend() && !is_enough(); ++node) {
    if (node->occupants.empty() || node->state == NodeState::kPreempted) continue;
    count(*node);
    given_up.busy.push_back(node->id);
  }
  return given_up;
}

std::optional<UtcMs> NodeBooks::next_scale_down(int64_t nodes_min, int64_t idle_ms) const {
  if (static_cast<int64_t>(nodes.size()) <= nodes_min) return std::nullopt;
  std::optional<UtcMs> earliest;
  for (const PoolNode& node : nodes) {
    if (node.is_free()) earliest = std::min(earliest.value_or(INT64_MAX), node.since_ms + idle_ms);
  }
  return earliest;
}

json::object to_json(const NodeBooks& books) {
  json::array nodes;
  for (const PoolNode& node : books.nodes) nodes.push_back(to_json(node));
  return {{"lastId", books.last_id}, {"nodes", std::move(nodes)}};
}

Result<NodeBooks> node_books_from_json(const json::value& value) {
  JsonReader reader(value, "books");
  NodeBooks books;
  books.last_id = reader.int_or("lastId", 0, 0, INT64_MAX);
  if (const json::array* const nodes = reader.array("nodes")) {
    for (const json::value& each : *nodes) {
      TRY(PoolNode node, node_from_json(each));
      books.nodes.push_back(std::move(node));
    }
  }
  CHECK_OK(reader.finish(false));
  return books;
}

Status write_books(const std::filesystem::path& path, const NodeBooks& books) {
  return write_file_atomically(path, json::serialize(to_json(books)));
}

Result<NodeBooks> read_books(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, 64 << 20);
  if (!text && text.error().code == &errors::not_found) return NodeBooks{};
  if (!text) return fail(text.error());
  TRY(const json::value document, parse_json(*text, {.size_bytes_max = 64 << 20}));
  return node_books_from_json(document);
}

}  // namespace werkbank::compute
