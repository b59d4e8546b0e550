#include "client/ignore_rules.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/process.hh"

using namespace werkbank;
using client::IgnoreRules;

namespace {

struct Case {
  std::string rules;
  std::string path;  // a '/' at the end: a folder
  bool ignored;

  std::string_view bare_path() const { return std::string_view(path).substr(0, path.size() - (path.ends_with('/') ? 1 : 0)); }
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      // names
      {"foo\n", "foo", true},
      {"foo\n", "a/b/foo", true},
      {"foo\n", "foobar", false},
      {"foo\n", "foo/bar/baz", true},
      {"foo\n", "Foo", false},
      {"foo", "foo", true},  // no line end
      {"", "foo", false},
      {"\n\n", "foo", false},
      {"# foo\nfoo2\n", "# foo", false},
      {"\\#foo\n", "#foo", true},
      {"\\!foo\n", "!foo", true},
      {"foo\r\nbar\r\n", "foo", true},
      {"\xEF\xBB\xBF"
       "foo\n",
       "foo", true},
      {"a b\n", "a b", true},
      // blanks at the end
      {"foo   \n", "foo", true},
      {"foo   \n", "foo   ", false},
      {"foo\\ \n", "foo ", true},
      {"foo\\ \n", "foo", false},
      {"foo\\  \n", "foo ", true},
      {"foo\\\\ \n", "foo\\", true},
      {"  foo\n", "  foo", true},
      {"foo\t\n", "foo", false},
      {"   \n", "   ", false},
      // folders only
      {"build/\n", "build/", true},
      {"build/\n", "build", false},
      {"build/\n", "a/build/x", true},
      {"build/\n", "a/build", false},
      {"a/build/\n", "a/build/x", true},
      {"a/build/\n", "b/a/build/x", false},
      // anchors
      {"/foo\n", "foo", true},
      {"/foo\n", "a/foo", false},
      {"a/foo\n", "a/foo", true},
      {"a/foo\n", "b/a/foo", false},
      {"/a/\n", "a/x", true},
      {"/a/\n", "b/a/x", false},
      {"/*\n", "a/b", true},
      {"/\n", "foo", false},
      // stars
      {"*.pyc\n", "a/b.pyc", true},
      {"*.pyc\n", "a/b.py", false},
      {"*.pyc\n", ".pyc", true},
      {"*\n", ".hidden", true},
      {"a/*\n", "a/b", true},
      {"a/*.txt\n", "a/b/c.txt", false},
      {"a/*/c\n", "a/b/c", true},
      {"a/*/c\n", "a/b/b/c", false},
      {"a/*/c\n", "a/c", false},
      {"*a*b*c\n", "xxaxxbxxc", true},
      {"*a*b*c\n", "xxaxxbxx", false},
      {"*a*a*a*a*a*a*a*a*a*a*b\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
      {"f?o\n", "foo", true},
      {"f?o\n", "fo", false},
      {"a?b\n", "a/b", false},
      {"x/a?b\n", "x/a/b", false},
      // two stars
      {"**/foo\n", "foo", true},
      {"**/foo\n", "a/b/foo", true},
      {"**/foo\n", "a/xfoo", false},
      {"**/a/foo\n", "x/y/a/foo", true},
      {"**/a/foo\n", "a/foo", true},
      {"/**/foo\n", "a/foo", true},
      {"a/**\n", "a/b/c", true},
      {"a/**\n", "a/", false},
      {"a/**/b\n", "a/b", true},
      {"a/**/b\n", "a/x/b", true},
      {"a/**/b\n", "a/x/y/b", true},
      {"a/**/b\n", "a/xb", false},
      {"a/**/b/**/c\n", "a/1/b/2/3/c", true},
      {"a/**/b/**/c\n", "a/1/2/3/c", false},
      {"a/**/*.txt\n", "a/x/y.txt", true},
      {"a**b/c\n", "axxb/c", true},
      {"a**b/c\n", "ax/xb/c", false},
      {"?**/b\n", "ab/b", true},
      {"?**/b\n", "a/x/b", false},
      {"foo**/bar\n", "foo/x/bar", true},  // git: the '**' stands at the start of what follows the plain beginning
      {"**\n", "a/b", true},
      {"***/foo\n", "a/b/foo", true},
      {"**/\n", "a", false},
      {"**/\n", "a/", true},
      {"x/**/*b*/**/c\n", "x/1/abc/2/c", true},
      // sets
      {"[abc].txt\n", "b.txt", true},
      {"[abc].txt\n", "d.txt", false},
      {"[a-c].txt\n", "b.txt", true},
      {"[!a-c].txt\n", "b.txt", false},
      {"[^a-c].txt\n", "d.txt", true},
      {"[]x].txt\n", "].txt", true},
      {"[!]x].txt\n", "].txt", false},
      {"[a-].txt\n", "-.txt", true},
      {"[[:digit:]x]\n", "7", true},
      {"[[:digit:]x]\n", "x", true},
      {"[[:upper:]]\n", "a", false},
      {"[[:nonsense:]]\n", "n", false},
      {"[abc\n", "a", false},
      {"[abc\n", "[abc", false},
      {"[\\]]\n", "]", true},
      {"[a\\-c]\n", "-", true},
      {"[a\\-c]\n", "b", false},
      {"x/[!a]\n", "x/b", true},
      {"x[!a]b/c\n", "x/b/c", false},
      {"[+--]\n", ",", true},
      // escapes
      {"\\*\n", "*", true},
      {"\\*\n", "x", false},
      {"fo\\o\n", "foo", true},
      {"a\\/b\n", "a/b", true},
      {"foo\\\n", "foo", false},
      {"foo\\\n", "foo\\", false},
      // taking back; the last word counts
      {"*.txt\n!keep.txt\n", "keep.txt", false},
      {"*.txt\n!keep.txt\n", "a/keep.txt", false},
      {"!keep.txt\n*.txt\n", "keep.txt", true},
      {"build/\n!build/keep\n", "build/keep", true},  // the folder itself is ignored
      {"build/*\n!build/keep\n", "build/keep", false},
      {"/*\n!/src/\n", "src/a.py", false},
      {"/*\n!/src\n/src/*\n!/src/a.py\n", "src/a.py", false},
      {"/*\n!/src\n/src/*\n!/src/a.py\n", "src/b.py", true},
      {"!\n", "foo", false},
      {"a\n!a/\n", "a", true},
      {"a\n!a/\n", "a/", false},
      // odd bytes
      {"\xC3\xA9*\n", "\xC3\xA9t\xC3\xA9", true},
      {"\xFF*\n", "\xFFx", true},
  };
  return all;
}

bool is_ignored_with_parents(const IgnoreRules& rules, std::string_view path) {
  const bool is_folder = path.ends_with('/');
  if (is_folder) path.remove_suffix(1);
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (rules.is_ignored(path.substr(0, slash), true)) return true;
  }
  return rules.is_ignored(path, is_folder);
}

}  // namespace

TEST_CASE("ignore patterns have git's meaning") {
  for (const Case& one : cases()) {
    CAPTURE(one.rules);
    CAPTURE(one.path);
    CHECK(is_ignored_with_parents(IgnoreRules::parse(one.rules), one.path) == one.ignored);
  }
}

TEST_CASE("git itself agrees with every case of the table") {
  auto environment = current_environment();
  const auto git = find_program("git", environment["PATH"]);
  if (!git) {
    MESSAGE("git is not installed: the table is not compared");
    return;
  }
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("wb-ignore-" + random_hex(8));
  REQUIRE(make_directories(folder));
  environment["HOME"] = folder.string();
  environment["GIT_CONFIG_NOSYSTEM"] = "1";
  for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "XDG_CONFIG_HOME"}) environment.erase(name);
  SpawnPlan plan;
  plan.argv = {git->string(), "init", "-q", "."};
  plan.environment = environment;
  plan.working_directory = folder;
  REQUIRE(run_process(plan, std::chrono::seconds(60))->exit_code == 0);

  // A .gitignore in a folder below means there what it would mean at the root: one folder per case.
  std::string input;
  for (size_t i = 0; i < cases().size(); ++i) {
    const Case& one = cases()[i];
    const std::filesystem::path root = folder / fmt::format("case{}", i);
    const std::filesystem::path entry = root / one.path;
    REQUIRE(make_directories(one.path.ends_with('/') ? entry : entry.parent_path()));
    if (!one.path.ends_with('/')) REQUIRE(write_file_atomically(entry, "x", 0600, false));
    REQUIRE(write_file_atomically(root / ".gitignore", one.rules, 0600, false));
    input += fmt::format("case{}/{}", i, one.bare_path()) + '\0';
  }
  REQUIRE(write_file_atomically(folder / "input", input, 0600, false));
  plan.argv = {git->string(), "check-ignore", "--no-index", "--stdin", "-z"};
  plan.stdin_path = folder / "input";
  const auto answer = run_process(plan, std::chrono::seconds(60));
  REQUIRE(answer);
  CAPTURE(answer->err);
  REQUIRE(answer->exit_code == 0);
  std::set<std::string> ignored;
  for (size_t start = 0; start < answer->out.size();) {
    const size_t end = answer->out.find('\0', start);
    ignored.insert(answer->out.substr(start, end - start));
    start = end + 1;
  }
  for (size_t i = 0; i < cases().size(); ++i) {
    const Case& one = cases()[i];
    CAPTURE(one.rules);
    CAPTURE(one.path);
    CHECK(ignored.contains(fmt::format("case{}/{}", i, one.bare_path())) == one.ignored);
  }
  CHECK(remove_tree(folder));
}
