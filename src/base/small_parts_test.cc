// Failpoints, the log, secrets, errors.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "base/failpoint.hh"
#include "base/files.hh"
#include "base/hash.hh"
#include "base/log.hh"
#include "base/process.hh"
#include "base/secret.hh"
#include "base/text.hh"

using namespace werkbank;

TEST_CASE("failpoints act where and when they are armed") {
  REQUIRE(arm_failpoints("a.place=error,b.place=error@2,c.place=sleep:0"));
  CHECK_FALSE(failpoint("a.place"));
  CHECK(failpoint("a.place").error().code == &errors::io_failed);
  CHECK(failpoint("b.place"));
  CHECK_FALSE(failpoint("b.place"));
  CHECK(failpoint("b.place"));
  CHECK(failpoint("c.place"));
  CHECK(failpoint("unarmed"));
  failpoint_kill("unarmed");
  REQUIRE(arm_failpoints(""));
  CHECK(failpoint("a.place"));
}

TEST_CASE("failpoints that do not read are refused and change nothing") {
  REQUIRE(arm_failpoints("a=error"));
  for (const char* text : {"a", "=kill", "a=explode", "a=kill@0", "a=kill@x", "a=sleep:", "a=sleep:-1", "b=error,a=error@"}) {
    CAPTURE(text);
    CHECK(arm_failpoints(text).error().code == &errors::config_invalid);
  }
  CHECK_FALSE(failpoint("a"));
  CHECK(failpoint("b"));
  REQUIRE(arm_failpoints(""));
}

// The victim of the next test, run in a process of its own.
TEST_CASE("failpoint victim" * doctest::skip()) {
  failpoint_kill("victim.place");
  std::fputs("passed once\n", stderr);
  failpoint_kill("victim.place");
  std::fputs("passed twice\n", stderr);
}

TEST_CASE("an armed kill ends the process at its passage") {
  SpawnPlan plan;
  plan.argv = {own_executable().string(), "--no-skip", "--test-case=failpoint victim"};
  plan.environment = {{"WERKBANK_FAILPOINTS", "victim.place=kill@2"}};
  auto result = run_process(plan, std::chrono::seconds(60)).value();
  CHECK(result.exit_code == 128 + SIGKILL);
  CHECK(result.err == "passed once\n");
  plan.environment = {{"WERKBANK_FAILPOINTS", "victim.place=mistyped"}};
  result = run_process(plan, std::chrono::seconds(60)).value();
  CHECK(result.exit_code != 0);
  CHECK(result.err.find("WERKBANK_FAILPOINTS") != std::string::npos);
}

TEST_CASE("the log writes one line per event and rotates") {
  const auto folder = std::filesystem::temp_directory_path() / ("wb-log-" + random_hex(8));
  REQUIRE(make_directories(folder));
  LogSink sink;
  sink.file = folder / "server.log";
  sink.size_bytes_max = 2000;
  sink.files_max = 3;
  open_log(sink);
  log_debug("not shown");
  log_warning("odd text={:?} raw={}", "a b", "x\ny\x1b");
  const std::string text = read_file(sink.file).value();
  CHECK(text.find("Z warning odd text=\"a b\" raw=x\\ny\\x1b\n") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  for (int i = 0; i < 200; ++i) log_info("event number={}", i);
  CHECK(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()) == 3);
  CHECK(std::filesystem::file_size(sink.file) <= 2000);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CHECK(entry.status().permissions() == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  open_log(LogSink{});
  CHECK(remove_tree(folder));
}

TEST_CASE("lower case is that of ASCII and leaves every other byte alone") {
  CHECK(lower("ScriptRunConfig_01") == "scriptrunconfig_01");
  CHECK(lower("[@Z`{az") == "[@z`{az");
  CHECK(lower("ÄÖ") == "ÄÖ");
  CHECK(equal_but_for_case("PySpark", "pyspark"));
  CHECK(!equal_but_for_case("PySpark", "pyspar"));
  CHECK(!equal_but_for_case("@", "`"));
}

TEST_CASE("a secret prints stars and compares") {
  Secret secret("hush");
  CHECK(fmt::format("{}", secret) == "***");
  CHECK(secret.equals("hush"));
  CHECK_FALSE(secret.equals("hus"));
  CHECK_FALSE(secret.equals("husk"));
  const Secret moved = std::move(secret);
  CHECK(moved.reveal() == "hush");
  CHECK(secret.empty());  // NOLINT: moving out wipes
  Secret copy = moved;
  copy = Secret("other");
  CHECK(copy.reveal() == "other");
  CHECK(moved.reveal() == "hush");
}

TEST_CASE("the catalogue of errors is complete and without doubles") {
  std::set<std::string_view> seen;
  for (const ErrorCode* code : all_error_codes()) {
    CAPTURE(code->id);
    CHECK(seen.insert(code->id).second);
    CHECK_FALSE(code->title.empty());
    CHECK_FALSE(code->remedy.empty());
    CHECK(find_error_code(code->id) == code);
  }
  CHECK(find_error_code("no_such_code") == nullptr);
  CHECK(errno_error(ENOSPC, "write").code == &errors::disk_full);
  const Status inner = fail(errors::unavailable, "no answer");
  const Status outer = fail_in("store", fail_in("sqlite", inner.error()).error());
  CHECK(outer.error().to_string() == "store: sqlite: no answer");
}
