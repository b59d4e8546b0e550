#include "domain/run.hh"

#include <doctest/doctest.h>

namespace werkbank {
namespace {

RunSpec spec_of(std::string_view text) { return run_spec_from_json(json::parse(text)).value(); }

TEST_CASE("how many processes a spec asks for") {
  CHECK(process_count(spec_of(R"({"command":"true"})")) == 1);
  CHECK(process_count(spec_of(R"({"command":"true","nodeCount":3})")) == 3);
  // Counts of another communicator are not read.
  CHECK(process_count(spec_of(R"({"command":"true","distribution":{"processCountPerNode":4,"processCount":8}})")) == 1);
  CHECK(process_count(spec_of(
            R"({"command":"true","nodeCount":2,"distribution":{"communicator":"openmpi","processCountPerNode":4}})")) == 8);
  CHECK(process_count(spec_of(R"({"command":"true","nodeCount":2,"distribution":{"communicator":"Gloo","processCount":6}})")) ==
        6);
  CHECK(process_count(spec_of(R"({"command":"true","nodeCount":2,"distribution":{"communicator":"NCCL"}})")) == 2);
  CHECK(process_count(spec_of(R"({"command":"true","distribution":{"communicator":"ParameterServer","workerCount":2}})")) == 3);
}

TEST_CASE("a distribution comes back as it was, in the usual spelling, and wrong ones are refused") {
  const RunSpec spec = spec_of(R"({"command":"true","distribution":{"communicator":"INTELMPI","processCountPerNode":2}})");
  CHECK(spec.distribution.communicator == "IntelMpi");
  CHECK(run_spec_from_json(to_json(spec)).value().distribution.process_count_per_node == 2);
  for (const char* wrong :
       {R"({"communicator":"mpi"})", R"({"processCount":-1})", R"({"processCountPerNode":0})", R"({"x":1})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(distribution_from_json(json::parse(wrong)).has_value());
  }
}

}  // namespace
}  // namespace werkbank
