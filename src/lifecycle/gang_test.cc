#include "lifecycle/gang.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "lifecycle/moves.hh"

using namespace werkbank;
using namespace werkbank::lifecycle;

namespace {

RunSpec spec_of(const std::string& communicator, int64_t nodes, int64_t per_node = 1, int64_t processes = 0) {
  RunSpec spec;
  spec.command = "true";
  spec.node_count = nodes;
  spec.distribution.communicator = communicator;
  spec.distribution.process_count_per_node = per_node;
  spec.distribution.process_count = processes;
  return spec;
}
RunSpec tensorflow(int64_t workers, int64_t servers, int64_t nodes) {
  RunSpec spec = spec_of("ParameterServer", nodes);
  spec.distribution.worker_count = workers;
  spec.distribution.parameter_server_count = servers;
  return spec;
}
// "node/local_rank" of each rank
std::string layout(const RunSpec& spec) {
  std::string text;
  for (const RankPlace& place : places_of(spec)) text += fmt::format("{}/{} ", place.node, place.local_rank);
  return text;
}

RunEnd ended(RunEndKind kind, int exit_code = 0) {
  RunEnd end;
  end.kind = kind;
  end.exit_code = exit_code;
  return end;
}

struct Ends {
  explicit Ends(RunSpec of) : spec(std::move(of)) {}
  void add(int64_t rank, RunEnd end) { ends[rank] = noted_end(spec, run, ends, rank, std::move(end)); }
  bool others() const { return others_are_to_end(spec, ends); }
  std::optional<RunEnd> end() const { return end_of_gang(spec, run, ends); }

  RunSpec spec;
  Run run;
  std::map<int64_t, RunEnd> ends;
};

}  // namespace

TEST_CASE("ranks are laid out over the nodes") {
  CHECK(layout(spec_of("None", 1)) == "0/0 ");
  CHECK(layout(spec_of("None", 3)) == "0/0 1/0 2/0 ");
  CHECK(layout(spec_of("OpenMpi", 2, 2)) == "0/0 0/1 1/0 1/1 ");
  CHECK(layout(spec_of("Nccl", 2, 1, 4)) == "0/0 0/1 1/0 1/1 ");
  CHECK(layout(spec_of("Gloo", 2, 1, 5)) == "0/0 0/1 0/2 1/0 1/1 ");
  CHECK(layout(spec_of("Nccl", 3)) == "0/0 1/0 2/0 ");
  CHECK(layout(tensorflow(2, 1, 2)) == "0/0 1/0 0/1 ");
  CHECK(layout(tensorflow(3, 2, 1)) == "0/0 0/1 0/2 0/3 0/4 ");
  for (const RankPlace& place : places_of(spec_of("Gloo", 2, 1, 5))) CHECK(place.local_size == (place.node == 0 ? 3 : 2));
  const std::vector<RankPlace> places = places_of(tensorflow(2, 1, 2));
  CHECK((places[1].role == "worker" && places[1].role_index == 1));
  CHECK((places[2].role == "ps" && places[2].role_index == 0));
}

TEST_CASE("a node without a process is refused") {
  CHECK(check_gang(spec_of("Gloo", 2, 1, 2)));
  CHECK(check_gang(spec_of("Gloo", 3, 1, 2)).error().message.find("2 processes were asked for on 3 nodes") != std::string::npos);
  CHECK_FALSE(check_gang(spec_of("OpenMpi", 100, 100)));
}

TEST_CASE("each rank is told who it is and where the others are") {
  LaunchPlan base;
  base.variables = {{"AZUREML_CR_NODE_RANK", "0"}, {"WERKBANK_RANK", "0"}, {"OWN", "kept"}};
  const std::vector<LaunchPlan> mpi = plans_of_ranks(base, spec_of("IntelMpi", 2, 2), {20001});
  REQUIRE(mpi.size() == 4);
  const TextMap& third = mpi[2].variables;
  CHECK((mpi[2].rank == 2 && mpi[2].node == 1));
  const TextMap wanted{{"AZUREML_CR_NODE_RANK", "1"},
                       {"AZ_BATCHAI_MPI_MASTER_NODE", "127.0.0.1"},
                       {"AZ_BATCHAI_TASK_INDEX", "2"},
                       {"AZ_BATCHAI_TASK_TYPE", "worker"},
                       {"AZ_BATCHAI_WORKER_IP", "127.0.0.1"},
                       {"AZ_BATCH_MASTER_NODE", "127.0.0.1:20001"},
                       {"MASTER_ADDR", "127.0.0.1"},
                       {"MASTER_PORT", "20001"},
                       {"MPI_LOCALNRANKS", "2"},
                       {"MPI_LOCALRANKID", "0"},
                       {"NODE_RANK", "1"},
                       {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                       {"OMPI_COMM_WORLD_NODE_RANK", "0"},
                       {"OMPI_COMM_WORLD_RANK", "2"},
                       {"OMPI_COMM_WORLD_SIZE", "4"},
                       {"OMPI_UNIVERSE_SIZE", "4"},
                       {"OWN", "kept"},
                       {"PMI_RANK", "2"},
                       {"PMI_SIZE", "4"},
                       {"WERKBANK_RANK", "2"},
                       {"WERKBANK_WORLD_SIZE", "4"}};
  CHECK(third == wanted);

  const std::vector<LaunchPlan> torch = plans_of_ranks(base, spec_of("Nccl", 2, 1, 4), {20001});
  const TextMap& last = torch.at(3).variables;
  CHECK(last.at("RANK") == "3");
  CHECK(last.at("WORLD_SIZE") == "4");
  CHECK(last.at("LOCAL_RANK") == "1");
  CHECK(last.at("NODE_RANK") == "1");
  CHECK(last.at("MASTER_PORT") == "20001");
  CHECK_FALSE(last.contains("OMPI_COMM_WORLD_RANK"));

  const std::vector<LaunchPlan> flow = plans_of_ranks(base, tensorflow(2, 1, 2), {20001, 20002, 20003});
  CHECK(flow.at(2).variables.at("TF_CONFIG") ==
        R"({"cluster":{"worker":["127.0.0.1:20001","127.0.0.1:20002"],"ps":["127.0.0.1:20003"]},)"
        R"("task":{"type":"ps","index":0},"environment":"cloud"})");
  CHECK(flow.at(2).variables.at("AZ_BATCHAI_TASK_TYPE") == "ps");
  CHECK_FALSE(flow.at(2).variables.contains("RANK"));

  // One process that nobody looks for.
  REQUIRE(plans_of_ranks(base, spec_of("None", 1), {}).size() == 1);
  CHECK_FALSE(plans_of_ranks(base, spec_of("None", 1), {})[0].variables.contains("MASTER_ADDR"));
}

TEST_CASE("as many ports as are needed, each once") {
  CHECK(ports_needed(spec_of("None", 1)) == 0);
  CHECK(ports_needed(spec_of("None", 2)) == 1);
  CHECK(ports_needed(spec_of("Nccl", 1, 1, 1)) == 1);
  CHECK(ports_needed(tensorflow(2, 1, 2)) == 3);
  const Result<std::vector<int64_t>> ports = pick_ports(20);
  REQUIRE(ports);
  CHECK(std::set<int64_t>(ports->begin(), ports->end()).size() == 20);
  CHECK_FALSE(pick_ports(100'000));
}

TEST_CASE("an attempt keeps ports before it is started, and one handle for each rank then") {
  Attempt attempt;
  CHECK_FALSE(is_started(attempt));
  CHECK_FALSE(ports_of(attempt).has_value());
  attempt.handle = {{"folder", "f"}};  // one process: the target's own
  CHECK(is_started(attempt));
  REQUIRE(rank_handles(attempt).size() == 1);
  CHECK(rank_handles(attempt)[0].handle == attempt.handle);
  attempt.handle = handle_with_ports({20001});
  CHECK_FALSE(is_started(attempt));
  CHECK(rank_handles(attempt).empty());
  CHECK(ports_of(attempt) == std::vector<int64_t>{20001});
  attempt.handle = handle_of_gang({20001}, {json::object{{"folder", "a"}}, json::object{{"folder", "b"}}});
  CHECK(is_started(attempt));
  REQUIRE(rank_handles(attempt).size() == 2);
  CHECK(rank_handles(attempt)[1].rank == 1);
  CHECK(rank_handles(attempt)[1].handle.at("folder") == "b");
  CHECK(ports_of(attempt) == std::vector<int64_t>{20001});
}

TEST_CASE("a run of several ranks is complete when all have ended well") {
  Ends run(spec_of("OpenMpi", 1, 2));
  run.add(1, ended(RunEndKind::kExitCode));
  CHECK_FALSE(run.others());
  CHECK_FALSE(run.end().has_value());
  run.add(0, ended(RunEndKind::kExitCode));
  REQUIRE(run.end().has_value());
  CHECK(final_status(*run.end()) == RunStatus::kCompleted);
}

TEST_CASE("the first rank that fails ends the others, and is named") {
  Ends run(spec_of("OpenMpi", 1, 3));
  run.add(0, ended(RunEndKind::kExitCode));
  run.add(2, ended(RunEndKind::kExitCode, 3));
  CHECK(run.others());
  CHECK_FALSE(run.end().has_value());
  run.add(1, ended(RunEndKind::kCanceled));
  REQUIRE(run.end().has_value());
  CHECK(run.end()->kind == RunEndKind::kExitCode);
  CHECK(run.end()->exit_code == 3);
  CHECK(run.end()->message == "Rank 2 of 3: The script ended with exit code 3.");
  CHECK(run.ends[1].message == "It was ended because rank 2 had failed.");
  CHECK(sentences_of(run.ends) == std::vector<std::string>{"Rank 2: The script ended with exit code 3.",
                                                           "Rank 1: It was ended because rank 2 had failed."});
}

TEST_CASE("what breaks because of a cancel is no failure of its own") {
  Ends run(spec_of("OpenMpi", 1, 2));
  run.run.cancel_requested = true;
  run.run.cancel_who = "ann";
  run.add(0, ended(RunEndKind::kExitCode, 1));  // the other one was gone
  run.add(1, ended(RunEndKind::kCanceled));
  REQUIRE(run.end().has_value());
  CHECK(run.end()->kind == RunEndKind::kCanceled);
  CHECK(run.end()->who == "ann");
}

TEST_CASE("parameter servers are ended after the last worker, and that is well") {
  Ends run(tensorflow(2, 1, 2));
  run.add(0, ended(RunEndKind::kExitCode));
  CHECK_FALSE(run.others());
  run.add(1, ended(RunEndKind::kExitCode));
  CHECK(run.others());
  run.add(2, ended(RunEndKind::kCanceled));
  REQUIRE(run.end().has_value());
  CHECK(final_status(*run.end()) == RunStatus::kCompleted);
  // One that ends by itself before them has failed.
  Ends broken(tensorflow(2, 1, 2));
  broken.add(2, ended(RunEndKind::kSignal));
  CHECK(broken.others());
}
