#include "lifecycle/gang.hh"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/files.hh"

namespace werkbank::lifecycle {
namespace {

constexpr int64_t kRanksMax = 4096;
// The nodes of a pool are slices of this machine; a target whose nodes are other machines names their addresses here.
constexpr const char* kAddress = "127.0.0.1";

// Registered services and ssh forwards are mostly below, the kernel's own choice for connections is above.
constexpr int64_t kPortMin = 20'000;
constexpr int64_t kPortMax = 32'000;

bool is_mpi(const RunSpec& spec) {
  return spec.distribution.communicator == "OpenMpi" || spec.distribution.communicator == "IntelMpi";
}
bool is_pytorch(const RunSpec& spec) {
  return spec.distribution.communicator == "Nccl" || spec.distribution.communicator == "Gloo";
}
bool has_parameter_servers(const RunSpec& spec) { return spec.distribution.communicator == "ParameterServer"; }

bool is_free(int64_t port) {
  const Fd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return socket_fd && bind(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::vector<int64_t> nodes_by_rank(const RunSpec& spec) {
  const int64_t processes = process_count(spec);
  const int64_t nodes = std::max<int64_t>(1, spec.node_count);
  std::vector<int64_t> found;
  for (int64_t rank = 0; rank < processes; ++rank) {
    if (has_parameter_servers(spec)) {
      const int64_t workers = spec.distribution.worker_count;
      found.push_back((rank < workers ? rank : rank - workers) % nodes);
      continue;
    }
    // The first nodes have one more where the processes do not divide evenly.
    const int64_t each = processes / nodes, more = processes % nodes;
    const int64_t in_larger = more * (each + 1);
    found.push_back(rank < in_larger ? rank / (each + 1) : more + (rank - in_larger) / std::max<int64_t>(1, each));
  }
  return found;
}

std::string tf_config(const std::vector<RankPlace>& places, const RankPlace& own, const std::vector<int64_t>& ports) {
  json::object cluster;
  for (const RankPlace& each : places) {
    json::value& list = cluster[each.role];
    if (!list.is_array()) list = json::array();
    list.as_array().push_back(json::string(fmt::format("{}:{}", kAddress, ports.at(static_cast<size_t>(each.rank)))));
  }
  return json::serialize(json::object{{"cluster", std::move(cluster)},
                                      {"task", json::object{{"type", own.role}, {"index", own.role_index}}},
                                      {"environment", "cloud"}});
}

void add_mpi(TextMap& variables, const RankPlace& place, const std::string& size) {
  const std::string rank = std::to_string(place.rank);
  const std::string local_rank = std::to_string(place.local_rank), local_size = std::to_string(place.local_size);
  const TextMap ours{{"OMPI_COMM_WORLD_RANK", rank},
                     {"OMPI_COMM_WORLD_SIZE", size},
                     {"OMPI_COMM_WORLD_LOCAL_RANK", local_rank},
                     {"OMPI_COMM_WORLD_LOCAL_SIZE", local_size},
                     {"OMPI_COMM_WORLD_NODE_RANK", local_rank},
                     {"OMPI_UNIVERSE_SIZE", size},
                     {"PMI_RANK", rank},
                     {"PMI_SIZE", size},
                     {"MPI_LOCALRANKID", local_rank},
                     {"MPI_LOCALNRANKS", local_size}};
  for (const auto& [name, value] : ours) variables[name] = value;
}

// With so many ports as ports_needed().
void add_meeting_place(TextMap& variables, const RunSpec& spec, const std::vector<RankPlace>& places, const RankPlace& place,
                       const std::vector<int64_t>& ports) {
  const std::string size = std::to_string(places.size());
  const std::string port = std::to_string(ports.at(0));
  const TextMap ours{{"MASTER_ADDR", kAddress},
                     {"MASTER_PORT", port},
                     {"NODE_RANK", std::to_string(place.node)},
                     {"AZ_BATCH_MASTER_NODE", fmt::format("{}:{}", kAddress, port)},
                     {"AZ_BATCHAI_MPI_MASTER_NODE", kAddress},
                     {"AZ_BATCHAI_WORKER_IP", kAddress},
                     {"AZ_BATCHAI_TASK_TYPE", place.role},
                     {"AZ_BATCHAI_TASK_INDEX", std::to_string(place.role_index)}};
  for (const auto& [name, value] : ours) variables[name] = value;
  if (is_mpi(spec)) add_mpi(variables, place, size);
  if (is_pytorch(spec)) {
    variables["RANK"] = std::to_string(place.rank);
    variables["WORLD_SIZE"] = size;
    variables["LOCAL_RANK"] = std::to_string(place.local_rank);
    variables["LOCAL_WORLD_SIZE"] = std::to_string(place.local_size);
  }
  if (has_parameter_servers(spec)) variables["TF_CONFIG"] = tf_config(places, place, ports);
}

}  // namespace

std::vector<RankPlace> places_of(const RunSpec& spec) {
  const std::vector<int64_t> nodes = nodes_by_rank(spec);
  std::map<int64_t, int64_t> on_node;
  std::vector<RankPlace> places;
  for (size_t i = 0; i < nodes.size(); ++i) {
    RankPlace place;
    place.rank = place.role_index = static_cast<int64_t>(i);
    place.node = nodes[i];
    place.local_rank = on_node[nodes[i]]++;
    if (has_parameter_servers(spec) && place.rank >= spec.distribution.worker_count) {
      place.role = "ps";
      place.role_index = place.rank - spec.distribution.worker_count;
    }
    places.push_back(std::move(place));
  }
  for (RankPlace& place : places) place.local_size = on_node[place.node];
  return places;
}

bool is_gang(const RunSpec& spec) { return process_count(spec) > 1; }

Status check_gang(const RunSpec& spec) {
  const int64_t processes = process_count(spec);
  if (processes > kRanksMax) {
    return fail(errors::config_invalid,
                fmt::format("spec: {} processes were asked for, a run has at most {}", processes, kRanksMax));
  }
  if (processes < spec.node_count) {
    return fail(errors::config_invalid,
                fmt::format("spec: {} processes were asked for on {} nodes by the communicator {}", processes, spec.node_count,
                            spec.distribution.communicator),
                "Each node needs a process: raise the count of processes, or lower node_count.");
  }
  return {};
}

size_t ports_needed(const RunSpec& spec) {
  if (has_parameter_servers(spec)) return static_cast<size_t>(process_count(spec));
  return is_gang(spec) || is_mpi(spec) || is_pytorch(spec) ? 1 : 0;
}

Result<std::vector<int64_t>> pick_ports(size_t count) {
  std::random_device seed;
  std::uniform_int_distribution<int64_t> any(kPortMin, kPortMax - 1);
  const int64_t first = any(seed);
  std::vector<int64_t> ports;
  for (int64_t i = 0; i < kPortMax - kPortMin && ports.size() < count; ++i) {
    const int64_t port = kPortMin + (first - kPortMin + i) % (kPortMax - kPortMin);
    if (is_free(port)) ports.push_back(port);
  }
  if (ports.size() == count) return ports;
  return fail(errors::unavailable,
              fmt::format("{} ports between {} and {} are free, {} are needed", ports.size(), kPortMin, kPortMax, count));
}

std::vector<LaunchPlan> plans_of_ranks(const LaunchPlan& base, const RunSpec& spec, const std::vector<int64_t>& ports) {
  const std::vector<RankPlace> places = places_of(spec);
  std::vector<LaunchPlan> plans;
  for (const RankPlace& place : places) {
    LaunchPlan plan = base;
    plan.rank = place.rank;
    plan.node = place.node;
    plan.variables["AZUREML_CR_NODE_RANK"] = std::to_string(place.node);
    plan.variables["WERKBANK_RANK"] = std::to_string(place.rank);
    plan.variables["WERKBANK_WORLD_SIZE"] = std::to_string(places.size());
    if (!ports.empty()) add_meeting_place(plan.variables, spec, places, place, ports);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace werkbank::lifecycle
