#include "domain/work_folder.hh"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/files.hh"

namespace werkbank {
namespace {

struct TemporaryFolder {
  TemporaryFolder() : folder{std::filesystem::temp_directory_path() / ("work_folder_test_" + random_hex(8))} {
    REQUIRE(make_directories(folder.root));
  }
  ~TemporaryFolder() { static_cast<void>(remove_tree(folder.root)); }
  WorkFolder folder;
};

TEST_CASE("processes are kept on file, and what is not there is nothing") {
  TemporaryFolder temporary;
  const WorkFolder& folder = temporary.folder;
  Result<std::optional<ProcessRecord>> none = read_process_record(folder.shim());
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  const Result<ProcessId> self = process_id_of(getpid());
  REQUIRE(self);
  REQUIRE(write_process_record(folder.shim(), {*self, 42}));
  const Result<std::optional<ProcessRecord>> read = read_process_record(folder.shim());
  REQUIRE(read);
  REQUIRE(read->has_value());
  CHECK((*read)->id == *self);
  CHECK((*read)->monotonic_ms == 42);
  CHECK(is_alive((*read)->id));
  REQUIRE(write_file_atomically(folder.shim(), "{\"pid\": 0}"));
  CHECK_FALSE(read_process_record(folder.shim()));
}

TEST_CASE("how a script ended is kept on file") {
  TemporaryFolder temporary;
  const WorkFolder& folder = temporary.folder;
  ExitRecord record;
  SUBCASE("exit code") { record.exit_code = 3; }
  SUBCASE("exit code 0") { record.exit_code = 0; }
  SUBCASE("signal") { record.signal = 9; }
  SUBCASE("out of memory") {
    record.signal = 9;
    record.oom = true;
  }
  SUBCASE("never started") { record.launch_error = "no such file"; }
  record.ended_ms = 1763714241123;
  REQUIRE(write_exit_record(folder, record));
  const Result<std::optional<ExitRecord>> read = read_exit_record(folder);
  REQUIRE(read);
  REQUIRE(read->has_value());
  CHECK((*read)->exit_code == record.exit_code);
  CHECK((*read)->signal == record.signal);
  CHECK((*read)->oom == record.oom);
  CHECK((*read)->launch_error == record.launch_error);
  CHECK((*read)->ended_ms == record.ended_ms);
}

TEST_CASE("the end of a run") {
  ExitRecord record;
  record.exit_code = 0;
  CHECK(run_end_of(record, std::nullopt).kind == RunEndKind::kExitCode);
  // A script that leaves politely at our signal was still canceled.
  CHECK(run_end_of(record, RunEndKind::kCanceled).kind == RunEndKind::kCanceled);
  record.exit_code.reset();
  record.signal = 9;
  CHECK(run_end_of(record, std::nullopt).kind == RunEndKind::kSignal);
  CHECK(run_end_of(record, std::nullopt).signal == 9);
  CHECK(run_end_of(record, RunEndKind::kTimeout).kind == RunEndKind::kTimeout);
  record.oom = true;
  CHECK(run_end_of(record, std::nullopt).kind == RunEndKind::kOutOfMemory);
  record.launch_error = "no such file";
  CHECK(run_end_of(record, std::nullopt).kind == RunEndKind::kLaunch);
}

TEST_CASE("the reason of a stop and the acknowledged end are kept on file") {
  TemporaryFolder temporary;
  const WorkFolder& folder = temporary.folder;
  CHECK(read_stop_reason(folder).value() == std::nullopt);
  REQUIRE(write_stop_reason(folder, RunEndKind::kTimeout));
  CHECK(read_stop_reason(folder).value() == RunEndKind::kTimeout);
  CHECK_FALSE(read_finished(folder).value().has_value());
  RunEnd end;
  end.kind = RunEndKind::kExitCode;
  end.exit_code = 4;
  REQUIRE(write_finished(folder, end));
  const std::optional<RunEnd> read = read_finished(folder).value();
  REQUIRE(read.has_value());
  CHECK(read->kind == RunEndKind::kExitCode);
  CHECK(read->exit_code == 4);
}

}  // namespace
}  // namespace werkbank
