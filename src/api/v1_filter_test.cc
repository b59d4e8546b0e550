#include "api/v1_filter.hh"

#include <doctest/doctest.h>

#include "base/clock.hh"

using namespace werkbank;

namespace {

Run make_run() {
  Run run;
  run.key = {"default", "r1_0"};
  run.parent_id = run.root_id = "r1";
  run.run_type = "azureml.scriptrun";
  run.status = RunStatus::kRunning;
  run.tags = {{"kind", "a (b) and c"}, {"empty", ""}};
  run.properties = {{"azureml.runsource", "hyperdrive"}};
  run.created_ms = *parse_utc("2026-03-01T00:00:00Z");
  return run;
}

bool matches(std::string_view filter) {
  const auto parsed = api::parse_v1_filter(filter);
  CAPTURE(filter);
  REQUIRE(parsed.has_value());
  return (*parsed)(make_run());
}

}  // namespace

TEST_CASE("filters as v1's client writes them") {
  CHECK(matches(""));
  CHECK(matches("RootRunId eq r1"));
  CHECK(matches("((RootRunId eq r1 and (RunType eq hyperdrive or Properties/azureml.runsource eq hyperdrive)) and RunId ne r1)"));
  CHECK_FALSE(matches("((RootRunId eq r1 and (RunType eq x or Properties/azureml.runsource eq x)) and RunId ne r1)"));
  CHECK_FALSE(matches("(ParentRunId eq null)"));
  CHECK(matches("(Tags/kind eq \"a (b) and c\")"));
  CHECK_FALSE(matches("(Tags/kind eq \"a (b)\" and Status eq Running)"));
  CHECK(matches("(Status eq Running)"));
  CHECK(matches("RunId eq x or RunId eq r1_0"));
  CHECK(matches("RunId eq r1_0 or RunId eq x and Status eq Failed"));
}

TEST_CASE("a tag that is not there is neither equal nor unequal") {
  CHECK(matches("(Tags/kind ne null or Tags/kind eq null)"));
  CHECK(matches("(Tags/empty ne null or Tags/empty eq null)"));
  CHECK_FALSE(matches("(Tags/none ne null or Tags/none eq null)"));
}

TEST_CASE("times are compared as times") {
  CHECK(matches("(CreatedUtc ge 2026-02-01 00:00:00)"));
  CHECK(matches("CreatedUtc lt 2026-03-01T01:00:00+00:00"));
  CHECK_FALSE(matches("CreatedUtc gt 2026-03-01T00:00:00Z"));
  CHECK_FALSE(matches("EndTimeUtc ge 2000-01-01T00:00:00Z"));
}

TEST_CASE("what is not understood is refused with its place") {
  for (const char* filter : {"RunId", "RunId eq", "RunId like x", "(RunId eq x", "RunId eq x)", "Colour eq red",
                             "Status ge Running", "Tags/a eq \"x", "and", "CreatedUtc ge yesterday"}) {
    CAPTURE(filter);
    CHECK_FALSE(api::parse_v1_filter(filter).has_value());
  }
  CHECK_FALSE(api::parse_v1_filter(std::string(1000, '(')).has_value());
  CHECK(api::parse_v1_filter("RunId eq x and Colour eq red").error().message.find("character 16") != std::string::npos);
}
