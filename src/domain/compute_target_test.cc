#include "domain/compute_target.hh"

#include <doctest/doctest.h>

namespace werkbank {

TEST_CASE("the record of a compute target is written as before, and reads back") {
  ComputeTargetRecord record;
  record.workspace = "default";
  record.name = "cpu-cluster";
  record.kind = "AmlCompute";
  record.id = "0123abcd";
  record.description = "two nodes";
  record.tags = {{"team", "digits"}};
  record.settings = {{"maxNodes", 2}};
  record.created_by = "ada";
  record.created_ms = 1'700'000'000'123;
  record.modified_ms = 1'700'000'001'000;
  const std::string golden =
      R"({"createdBy":"ada","createdUtc":"2023-11-14T22:13:20.123000Z","description":"two nodes","id":"0123abcd",)"
      R"("kind":"AmlCompute","modifiedUtc":"2023-11-14T22:13:21.000000Z","name":"cpu-cluster","settings":{"maxNodes":2},)"
      R"("tags":{"team":"digits"},"workspace":"default"})";
  CHECK(canonical_json(to_json(record)) == golden);
  const Result<ComputeTargetRecord> read = compute_target_from_json(parse_json(golden).value());
  REQUIRE(read);
  CHECK(canonical_json(to_json(*read)) == golden);
  CHECK_FALSE(compute_target_from_json(parse_json(R"({"name":"x"})").value()));
}

}  // namespace werkbank
