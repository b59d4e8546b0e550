#include "cli/pip_configuration.hh"

#include <doctest/doctest.h>

using namespace werkbank::cli;

namespace {

const PipSource kFolder{"find-links", "file:///home/u/.werkbank/packages/"};

// What was written and is taken out again leaves the text as it was.
std::string there_and_back(std::string_view text) { return without_source(with_source(text, kFolder), kFolder); }

}  // namespace

TEST_CASE("the folder comes into [global], before other ones") {
  CHECK(with_source("", kFolder) == "[global]\nfind-links = file:///home/u/.werkbank/packages/\n");
  CHECK(with_source("[install]\nuser = yes\n", kFolder) ==
        "[install]\nuser = yes\n\n[global]\nfind-links = file:///home/u/.werkbank/packages/\n");
  CHECK(with_source("[global]\ntimeout = 60\n[install]\nfind-links = https://no/\n", kFolder) ==
        "[global]\nfind-links = file:///home/u/.werkbank/packages/\ntimeout = 60\n[install]\nfind-links = "
        "https://no/\n");
  CHECK(with_source("[global]\nfind_links: https://a/ https://b/\n  # why\ntimeout = 60\n", kFolder) ==
        "[global]\nfind-links =\n    file:///home/u/.werkbank/packages/\n    https://a/\n    https://b/\n  # "
        "why\ntimeout = 60\n");
  CHECK(with_source("[global]\nfind-links =\n\thttps://a/\n\thttps://b/\nproxy = x", kFolder) ==
        "[global]\nfind-links =\n    file:///home/u/.werkbank/packages/\n    https://a/\n    https://b/\nproxy = x\n");
}

TEST_CASE("another option is another matter") {
  const PipSource server{"extra-index-url", "https://bench/simple/"};
  const std::string both = with_source(with_source("", kFolder), server);
  CHECK(both == "[global]\nextra-index-url = https://bench/simple/\nfind-links = file:///home/u/.werkbank/packages/\n");
  CHECK(without_source(both, server) == with_source("", kFolder));
}

TEST_CASE("twice is once, and undone it is as before") {
  for (const std::string_view text :
       {"", "[install]\nuser = yes\n", "# mine\n[global]\ntimeout = 60\n", "[global]\nfind-links = https://a/\n",
        "[global]\nfind-links =\n    https://a/\n    https://b/\n\n[list]\nformat = json\n"}) {
    CAPTURE(text);
    const std::string once = with_source(text, kFolder);
    CHECK(once != text);
    CHECK(with_source(once, kFolder) == once);
    CHECK(there_and_back(text) == text);
    CHECK(without_source(text, kFolder) == text);
  }
}

TEST_CASE("the file that the pip at hand reads") {
  CHECK(pip_configuration_file({{"HOME", "/nowhere/u"}}) == "/nowhere/u/.config/pip/pip.conf");
  CHECK(pip_configuration_file({{"HOME", "/nowhere/u"}, {"XDG_CONFIG_HOME", "/x"}}) == "/x/pip/pip.conf");
  CHECK(pip_configuration_file({{"HOME", "/nowhere/u"}, {"VIRTUAL_ENV", "/v"}, {"CONDA_PREFIX", "/c"}}) == "/v/pip.conf");
  CHECK(pip_configuration_file({{"CONDA_PREFIX", "/c"}}) == "/c/pip.conf");
  CHECK(pip_configuration_file({{"VIRTUAL_ENV", "/v"}, {"PIP_CONFIG_FILE", "/p/pip.ini"}}) == "/p/pip.ini");
  CHECK(file_address("/home/a b/packages") == "file:///home/a%20b/packages/");
}
