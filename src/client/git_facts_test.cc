#include "client/git_facts.hh"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "base/files.hh"
#include "base/process.hh"

namespace werkbank::client {
namespace {

TEST_CASE("credentials of a remote's address stay here") {
  CHECK(without_credentials("https://user:token@host/team/repo.git") == "https://host/team/repo.git");
  CHECK(without_credentials("https://host/a@b/repo.git") == "https://host/a@b/repo.git");
  CHECK(without_credentials("https://token@host") == "https://host");
  CHECK(without_credentials("git@host:team/repo.git") == "git@host:team/repo.git");
  CHECK(without_credentials("") == "");
}

TEST_CASE("the status text of git") {
  const GitFacts clean = parse_git_status("# branch.oid abc\n# branch.head main\n# branch.upstream origin/main\n");
  CHECK(clean.commit == "abc");
  CHECK(clean.branch == "main");
  CHECK_FALSE(clean.dirty);
  CHECK(parse_git_status("# branch.oid abc\n# branch.head (detached)\n? new.py\n").dirty);
  CHECK(parse_git_status("# branch.oid abc\n# branch.head (detached)\n").branch == "HEAD");
  CHECK(parse_git_status("# branch.oid (initial)\n# branch.head main\n").commit.empty());
  CHECK(parse_git_status("").branch.empty());
}

TEST_CASE("a repository's facts, with its hooks and monitor off") {
  char name[] = "/tmp/wb-git-XXXXXX";
  const std::filesystem::path folder = mkdtemp(name);
  std::map<std::string, std::string> environment = current_environment();
  CHECK_FALSE(gather_git_facts(folder, {{"PATH", environment["PATH"]}, {"HOME", folder.string()}}).has_value());
  const auto git = [&](std::vector<std::string> arguments) {
    SpawnPlan plan;
    plan.argv = {"git", "-C", folder.string(), "-c", "user.name=u", "-c", "user.email=u@example.org"};
    plan.argv.insert(plan.argv.end(), arguments.begin(), arguments.end());
    plan.environment = {{"PATH", environment["PATH"]}, {"HOME", folder.string()}};
    const auto result = run_process(plan, std::chrono::seconds(60));
    REQUIRE(result);
    CHECK(result->exit_code == 0);
  };
  git({"init", "-q", "-b", "main"});
  REQUIRE(write_file_atomically(folder / "train.py", "print(1)\n"));
  git({"add", "train.py"});
  git({"commit", "-q", "-m", "first"});
  git({"remote", "add", "origin", "https://me:secret@example.org/repo.git"});
  // A monitor that leaves a trace where it is called.
  REQUIRE(write_file_atomically(folder / ".git" / "monitor", "#!/bin/sh\ntouch called\n", 0755));
  git({"config", "core.fsmonitor", (folder / ".git" / "monitor").string()});
  const auto facts =
      gather_git_facts(folder, {{"PATH", environment["PATH"]}, {"HOME", folder.string()}, {"AZUREML_GIT_BRANCH", "release"}});
  REQUIRE(facts);
  CHECK(facts->commit.size() == 40);
  CHECK(facts->branch == "release");
  CHECK(facts->repository_url == "https://example.org/repo.git");
  CHECK_FALSE(facts->dirty);
  CHECK_FALSE(std::filesystem::exists(folder / "called"));
  REQUIRE(write_file_atomically(folder / "train.py", "print(2)\n"));
  const auto changed = gather_git_facts(folder, environment);
  REQUIRE(changed);
  CHECK(changed->dirty);
  REQUIRE(remove_tree(folder));
}

}  // namespace
}  // namespace werkbank::client
