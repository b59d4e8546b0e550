#include "compute/pool/node_books.hh"

#include <algorithm>
#include <array>

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
  const auto found = std::ranges::find_if(nodes, [&](const PoolNode& node) {
    return !node.occupants.empty() && node.run == plan.run && node.attempt == plan.attempt && node.run_node == plan.node;
  });
  return found == nodes.end() ? nullptr : &*found;
}

PoolNode* NodeBooks::find_free() {
  const auto found = std::ranges::find_if(nodes, &PoolNode::is_free);
  return found == nodes.end() ? nullptr : &*found;
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
