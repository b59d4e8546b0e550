// What the followers decide without a server: where lines are cut, which files count, what has changed.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "base/hash.hh"
#include "runner/memory_kills.hh"
#include "runner/metric_follower.hh"
#include "runner/output_collector.hh"
#include "runner/state_file.hh"
#include "runner/tree_watch.hh"

namespace werkbank::runner {
namespace {

struct TemporaryFolder {
  TemporaryFolder() : path(std::filesystem::temp_directory_path() / ("follow_test_" + random_hex(8))) {
    REQUIRE(make_directories(path));
  }
  ~TemporaryFolder() { static_cast<void>(remove_tree(path)); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name, std::ios::app) << text; }
  std::filesystem::path path;
};

TEST_CASE("metric lines are cut behind the last complete one") {
  MetricPiece piece = cut_metric_lines("{\"s\":1}\n{\"s\":2}\n{\"s\":", 100);
  CHECK(piece.lines == "{\"s\":1}\n{\"s\":2}\n");
  CHECK(piece.consumed == 16);
  piece = cut_metric_lines("{\"s\":", 0);
  CHECK(piece.lines.empty());
  CHECK(piece.consumed == 0);
  CHECK_FALSE(piece.line_too_long);
}

TEST_CASE("the header of a spool file is not sent") {
  const std::string_view text = "{\"werkbank-spool\":1,\"pid\":5}\n{\"s\":1}\n";
  CHECK(cut_metric_lines(text, 0).lines == "{\"s\":1}\n");
  CHECK(cut_metric_lines(text, 0).consumed == text.size());
  CHECK(cut_metric_lines(text.substr(0, 29), 0).lines.empty());
  CHECK(cut_metric_lines(text.substr(0, 29), 0).consumed == 29);
}

TEST_CASE("a line over the limit is skipped") {
  const std::string line(kMetricLineBytesMax + 1, 'x');
  const MetricPiece piece = cut_metric_lines(line, 7);
  CHECK(piece.line_too_long);
  CHECK(piece.consumed == line.size());
  CHECK(cut_metric_lines(std::string_view(line).substr(1), 7).consumed == 0);
}

TEST_CASE("the sequence of a line is read even where the rest is not") {
  CHECK(metric_sequence("{\"s\":12,\"t\":1,\"n\":") == 12);
  CHECK(metric_sequence("{ \"t\":1, \"n\":\"m\", \"v\":1, \"s\": 3 }") == 3);
  for (const char* line :
       {"", "{\"s\":1", "{\"s\":0,", "{\"s\":-4,", "{\"s\":99999999999999999999,", "{\"s\":\"1\",", "rubbish"}) {
    CAPTURE(line);
    CHECK_FALSE(metric_sequence(line));
  }
}

TEST_CASE("missing sequences are filled with skipped lines") {
  const std::string two = "{\"s\":2,\"t\":1}\n", five = "{\"s\":5,\"t\":1}\n";
  const std::string three_four = "{\"s\":3,\"x\":\"skipped\"}\n{\"s\":4,\"x\":\"skipped\"}\n";
  CHECK(fill_metric_holes(two + five, 2).lines == two + three_four + five);
  CHECK(fill_metric_holes(two + "rubbish\n" + five, 1).lines ==
        "{\"s\":1,\"x\":\"skipped\"}\n" + two + "rubbish\n" + three_four + five);
  CHECK(fill_metric_holes(two + five, 6).lines == two + five);  // repeated lines
  CHECK(fill_metric_holes("{\"s\":10001,\"t\":1}\n", 1).is_whole);
  CHECK_FALSE(fill_metric_holes("{\"s\":10002,\"t\":1}\n", 1).is_whole);
  const FilledLines cut = fill_metric_holes(two + "{\"s\":9223372036854775807,\"t\":1}\n" + five, 2);
  CHECK_FALSE(cut.is_whole);
  CHECK(cut.lines == two);
}

TEST_CASE("kills for want of memory") {
  CHECK(oom_kill_count("low 0\noom 3\noom_kill 2\noom_group_kill 0\n") == 2);
  CHECK_FALSE(oom_kill_count("oom 3\noom_killer 2\n").has_value());
  CHECK_FALSE(oom_kill_count("").has_value());
  ExitRecord killed;
  killed.signal = SIGKILL;
  ExitRecord said_so;
  said_so.exit_code = 137;
  ExitRecord other;
  other.exit_code = 1;
  const MemoryKills before{1, 1};
  CHECK(was_killed_for_memory(before, {2, 1}, killed));
  CHECK(was_killed_for_memory(before, {2, 1}, said_so));
  CHECK_FALSE(was_killed_for_memory(before, {2, 2}, other));
  CHECK_FALSE(was_killed_for_memory(before, {1, 2}, killed));  // somebody else's memory
  CHECK(was_killed_for_memory({std::nullopt, 1}, {std::nullopt, 2}, killed));
  CHECK_FALSE(was_killed_for_memory({std::nullopt, 1}, {std::nullopt, 2}, said_so));
  CHECK_FALSE(was_killed_for_memory({}, {}, killed));
}

TEST_CASE("the state is found again, and a torn file is no file") {
  TemporaryFolder folder;
  const std::string odd = "logs/\xff odd%";
  {
    StateFile state(folder.path / "state.json");
    state.load();
    CHECK(state.log("a").sent == 0);
    state.set_log("a", {7, 10, 20});
    state.set_metrics_offset("w", 30);
    state.set_uploaded(odd, {1, 2, 3});
    state.save();
  }
  StateFile state(folder.path / "state.json");
  state.load();
  CHECK(state.log("a").inode == 7);
  CHECK(state.log("a").base == 10);
  CHECK(state.log("a").sent == 20);
  CHECK(state.metrics_offset("w") == 30);
  CHECK(state.uploaded(odd) == FileIdentity{1, 2, 3});
  REQUIRE(write_file_atomically(folder.path / "state.json", "{\"logs\": {\"a\""));
  StateFile torn(folder.path / "state.json");
  torn.load();
  CHECK(torn.log("a").sent == 0);
}

TEST_CASE("changes below folders that come into being are seen") {
  TemporaryFolder folder;
  TreeWatch watch(folder.path, {"logs", "deep/er"});
  REQUIRE_FALSE(watch.is_blind());
  CHECK_FALSE(watch.take().look_everywhere);
  folder.write("elsewhere", "x");
  CHECK(watch.take().files.empty());
  REQUIRE(make_directories(folder.path / "logs"));
  CHECK(watch.take().look_everywhere);
  folder.write("logs/a", "x");
  CHECK(watch.take().files == std::set<std::string>{"logs/a"});
  CHECK(watch.take().files.empty());
  REQUIRE(make_directories(folder.path / "deep" / "er" / "est"));
  CHECK(watch.take().look_everywhere);
  folder.write("deep/beside", "x");
  CHECK(watch.take().files.empty());
  folder.write("deep/er/est/b", "x");
  CHECK(watch.take().files == std::set<std::string>{"deep/er/est/b"});
}

TEST_CASE("links to files are listed, links to folders and pipes are not") {
  TemporaryFolder folder;
  REQUIRE(make_directories(folder.path / "logs" / "sub"));
  folder.write("logs/b", "x");
  folder.write("logs/sub/a", "x");
  std::filesystem::create_directory_symlink(folder.path / "logs", folder.path / "logs" / "sub" / "circle");
  std::filesystem::create_symlink(folder.path / "logs" / "b", folder.path / "logs" / "link");
  std::filesystem::create_directory_symlink("/", folder.path / "logs" / "everything");
  std::filesystem::create_symlink("nowhere", folder.path / "logs" / "broken");
  REQUIRE(mkfifo((folder.path / "logs" / "pipe").c_str(), 0600) == 0);
  std::vector<std::string> names;
  for (const FoundFile& file : list_files(folder.path, "logs")) names.push_back(file.relative);
  CHECK(names == std::vector<std::string>{"logs/b", "logs/link", "logs/sub/a"});
  CHECK(list_files(folder.path, "not there").empty());
}

TEST_CASE("watched directories below the working directory only, outputs are collected") {
  LaunchPlan plan;
  plan.watched_directories = {"./logs/", "logs", "outputs", "outputs/x", "../up", "/etc", "", "a/b"};
  Warnings warnings;
  CHECK(usable_directories(plan, warnings) == std::vector<std::string>{"logs", "a/b"});
  CHECK(warnings.count() == 3);
  CHECK(collected_roots(plan, {"logs"}) == std::vector<std::string>{"outputs"});
  CHECK(collected_roots(plan, {}) == std::vector<std::string>{"outputs", "logs"});
  plan.collect_outputs = false;
  CHECK(collected_roots(plan, {"logs"}).empty());
}

}  // namespace
}  // namespace werkbank::runner
