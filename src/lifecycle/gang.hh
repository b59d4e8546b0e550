// Runs of several processes: which rank runs on which node, what each is told of the others, and what becomes of the run when
// one of them ends. Pure but for pick_ports(). Also the one owner of what an attempt of several ranks keeps as its handle.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/launch.hh"

namespace werkbank::lifecycle {

struct RankPlace {
  int64_t rank = 0;
  int64_t node = 0;
  int64_t local_rank = 0;  // on its node
  int64_t local_size = 1;  // processes of the run on its node
  std::string role = "worker";
  int64_t role_index = 0;
};
// By rank. OpenMpi, IntelMpi: the ranks of a node follow each other. Nccl, Gloo: likewise, in parts as equal as can be.
// ParameterServer: the workers first, in turns over the nodes, then the parameter servers. Others: one process for each node.
std::vector<RankPlace> places_of(const RunSpec& spec);
bool is_gang(const RunSpec& spec);  // more than one process
// config_invalid where a node would stay without a process, or the processes are too many.
Status check_gang(const RunSpec& spec);

// How many ports the processes need to find each other; 0: they do not look for each other.
size_t ports_needed(const RunSpec& spec);
// Free ones of this machine, below those that the kernel gives to connections. unavailable where there are not so many.
Result<std::vector<int64_t>> pick_ports(size_t count);

// A plan for each rank: `base` with node, rank, and the variables by which the processes know each other.
std::vector<LaunchPlan> plans_of_ranks(const LaunchPlan& base, const RunSpec& spec, const std::vector<int64_t>& ports);

// -- what an attempt keeps as its handle. A run of one process: the target's own handle. Otherwise the ports, kept before
// anything is started, so that ranks started after a crash get the same ones; and then the handle of each rank.
json::object handle_with_ports(const std::vector<int64_t>& ports);
json::object handle_of_gang(const std::vector<int64_t>& ports, const std::vector<json::object>& handles);
std::optional<std::vector<int64_t>> ports_of(const Attempt& attempt);
bool is_started(const Attempt& attempt);  // it has the handles of its ranks

struct RankHandle {
  int64_t rank = 0;
  json::object handle;  // for the target
};
std::vector<RankHandle> rank_handles(const Attempt& attempt);  // none before it is started

// -- how ranks end
// What is kept of a rank's end. The first failure is the run's; a rank that fails after it, after a cancel, or a parameter server
// after the last worker, was ended because of that, and is noted so.
RunEnd noted_end(const RunSpec& spec, const Run& run, const std::map<int64_t, RunEnd>& ends, int64_t rank, RunEnd end);
// Whether the ranks that have not ended are to be ended: one has failed, or only parameter servers are left.
bool others_are_to_end(const RunSpec& spec, const std::map<int64_t, RunEnd>& ends);
// The run's end; nothing while ranks have not ended. It names the rank whose failure it is.
std::optional<RunEnd> end_of_gang(const RunSpec& spec, const Run& run, const std::map<int64_t, RunEnd>& ends);
// A sentence for each rank that did not end well, the cause first.
std::vector<std::string> sentences_of(const std::map<int64_t, RunEnd>& ends);

}  // namespace werkbank::lifecycle
