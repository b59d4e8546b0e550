#include "environment/requirement.hh"

#include <doctest/doctest.h>

namespace werkbank::environment {
namespace {

TEST_CASE("requirements that are taken, in their one spelling") {
  struct Case {
    std::string line;
    std::string text;
  };
  const Case cases[] = {
      {"numpy", "numpy"},
      {"Scikit_Learn == 0.22.1", "scikit-learn==0.22.1"},
      {"zope.interface", "zope-interface"},
      {"numpy>=1.19,<2", "numpy<2,>=1.19"},
      {"numpy (>=1.19)", "numpy>=1.19"},
      {"dask[ complete , Array ]>=2", "dask[array,complete]>=2"},
      {"a==1.*", "a==1.*"},
      {"a~=1.4.2", "a~=1.4.2"},
      {"a!=1.5", "a!=1.5"},
      {"a===weird", "a===weird"},
      {"a==1!2.0rc1.post3.dev4+cu.10", "a==1!2.0rc1.post3.dev4+cu.10"},
      {"a==2.0-1", "a==2.0-1"},
      {"a==v1.0", "a==v1.0"},
      {"typing; python_version < '3.5'", "typing ; python_version < '3.5'"},
      {"x ; (sys_platform == 'linux' or os_name != \"nt\") and extra == 'a'",
       "x ; (sys_platform == 'linux' or os_name != \"nt\") and extra == 'a'"},
      {"x; platform_machine not in 'arm'", "x ; platform_machine not in 'arm'"},
      {"numpy  # the base", "numpy"},
      {"torch==1.8.1+cu111", "torch==1.8.1+cu111"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto requirement = parse_requirement(one.line);
    REQUIRE(requirement.has_value());
    CHECK(requirement->text() == one.text);
    const auto again = parse_requirement(requirement->text());
    REQUIRE(again.has_value());
    CHECK(again->text() == one.text);
  }
}

TEST_CASE("requirements that are refused, and why") {
  struct Case {
    std::string line;
    std::string part;
  };
  const Case cases[] = {
      {"", "empty"},
      {"# nothing", "empty"},
      {"==1.0", "does not start with the name"},
      {"-numpy", "does not start with the name"},
      {"numpy-", "does not start with the name"},
      {"numpy=1.19", "'=1.19' does not start with a comparison"},
      {"numpy==", "not a version"},
      {"numpy==one", "'one' is not a version"},
      {"numpy==1.0 2.0", "'1.0 2.0' is not a version"},
      {"numpy>=1.*", ".* goes with"},
      {"numpy~=1", "at least two numbers"},
      {"numpy>=1,", "a version is missing"},
      {"numpy>=1,,<2", "a version is missing"},
      {"numpy 1.19", "does not start with a comparison"},
      {"numpy[", "'[' is not closed"},
      {"numpy[a,]", "extra is missing"},
      {"numpy[!]", "not the name of an extra"},
      {"numpy (>=1", "'(' is not closed"},
      {"numpy; python_version", "a comparison is missing"},
      {"numpy;", "nothing follows"},
      {"numpy; pyton_version < '3'", "'pyton_version' is neither"},
      {"numpy; python_version < '3", "not closed"},
      {"numpy; (python_version < '3'", "a ')' is missing"},
      {"numpy; python_version < '3' xor", "unexpected 'xor'"},
      {"https://host/a.whl", "address"},
      {"pkg @ https://host/a.whl", "address"},
      {"pkg @ file", "name @ address"},
      {"git+https://host/repo", "version control"},
      {"-e .", "editable"},
      {"./local", "local path"},
      {"/abs/pkg.tar.gz", "local path"},
      {"numpy-1.0-py3-none-any.whl", "local wheel"},
      {"numpy\nscipy", "control character"},
      {"caf\xe9", "UTF-8"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto requirement = parse_requirement(one.line);
    REQUIRE_FALSE(requirement.has_value());
    CHECK(requirement.error().code == &errors::requirement_invalid);
    CHECK(requirement.error().message.find(one.part) != std::string::npos);
  }
  const std::string deep = "a; " + std::string(5000, '(');
  CHECK_FALSE(parse_requirement(deep).has_value());
  CHECK_FALSE(parse_requirement("a; " + std::string(100, '(')).has_value());
}

TEST_CASE("a version that ends like the name of a file is a version") {
  for (const char* line : {"pkg ==1.0+build.zip", "pkg === 1.tar.gz", "pkg===1.whl", "pkg ==2+x.zip,<3"}) {
    CAPTURE(line);
    const auto requirement = parse_requirement(line);
    REQUIRE(requirement.has_value());
    const auto again = parse_requirement(requirement->text());
    REQUIRE(again.has_value());
    CHECK(again->text() == requirement->text());
  }
}

TEST_CASE("a line that is too long when written in the one spelling is refused at once") {
  const std::string marker = "python_version<'3'";
  const std::string name(4096 - marker.size() - 1, 'a');
  CHECK_FALSE(parse_requirement(name + ";" + marker).has_value());
}

TEST_CASE("option lines") {
  std::vector<std::string> notes;
  const auto options = [&notes](const char* line) {
    auto parsed = parse_option_line(line, notes);
    REQUIRE(parsed.has_value());
    return *parsed;
  };
  using Texts = std::vector<std::string>;
  CHECK(options("--index-url https://host/simple") == Texts{"--index-url=https://host/simple"});
  CHECK(options("-i https://host/simple --pre") == Texts{"--index-url=https://host/simple", "--pre"});
  CHECK(options("--extra-index-url='https://host/x'") == Texts{"--extra-index-url=https://host/x"});
  CHECK(options("-f /wheels  # ours") == Texts{"--find-links=/wheels"});
  CHECK(notes.empty());
  CHECK(options("--extra-index-url https://pypi.python.org/simple").empty());
  CHECK(options("--no-cache-dir").empty());
  CHECK(notes.size() == 2);
  for (const char* line :
       {"--index-url", "--index-url host", "--find-links wheels", "-r other.txt", "-c c.txt", "-e .", "--indx-url https://h"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_option_line(line, notes).has_value());
  }
  CHECK(parse_option_line("--indx-url https://h", notes).error().hint == "Did you mean --index-url?");
}

}  // namespace
}  // namespace werkbank::environment
