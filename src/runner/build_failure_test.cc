#include "runner/build_failure.hh"

#include <doctest/doctest.h>

#include "base/files.hh"
#include "base/hash.hh"
#include "runner/build_index.hh"
#include "runner/build_interpreters.hh"

namespace werkbank::runner {
namespace {

TEST_CASE("what uv's words mean") {
  struct Case {
    std::string output;
    FailureCause cause;
    std::string package;
  };
  const Case cases[] = {
      {"error: No solution found when resolving dependencies\n  cause: Because scikit-lern was not found in the package registry "
       "and you require "
       "scikit-lern==0.1, we can conclude that your requirements are unsatisfiable.",
       FailureCause::kUnknownPackage, "scikit-lern"},
      // The same with the frame of older versions, and a line break in the sentence.
      {"  \xc3\x97 No solution found when resolving dependencies:\n  \xe2\x95\xb0\xe2\x94\x80\xe2\x96\xb6 Because Scikit_Lern "
       "was not found in the\n"
       "      package registry and you require scikit-lern==0.1, we can",
       FailureCause::kUnknownPackage, "scikit-lern"},
      {"cause: Because there is no version of scikit-learn==99.1 and you require scikit-learn==99.1, we",
       FailureCause::kNoVersion, "scikit-learn"},
      {"cause: Because scikit-learn==0.22.1 has no usable wheels and you require scikit-learn==0.22.1, we",
       FailureCause::kNoWheel, "scikit-learn"},
      {"cause: Because tensorflow==1.15.0 has no wheels with a matching Python ABI tag (e.g., `cp310`) and you require "
       "tensorflow==1.15.0, we",
       FailureCause::kNoWheel, "tensorflow"},
      {"cause: Because all versions of docopt have no usable wheels and you require docopt, we", FailureCause::kNoWheel,
       "docopt"},
      {"cause: Because pandas==2.0.0 depends on numpy>=1.21.0 and you require numpy<1.20, we can conclude that your requirements "
       "and pandas==2.0.0 "
       "are incompatible.",
       FailureCause::kConflict, "numpy"},
      {"error: Request failed after 3 retries in 7.3s\n  cause: Failed to fetch: http://127.0.0.1:9/simple/numpy/\n  cause: "
       "error sending request",
       FailureCause::kNetwork, ""},
      {"  \xc3\x97 Failed to build `docopt==0.6.2`\n", FailureCause::kBuildFailed, "docopt"},
      {"error: failed to write\n  cause: No space left on device (os error 28)", FailureCause::kDiskFull, ""},
      {"error: something new", FailureCause::kOther, ""},
      {"", FailureCause::kOther, ""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.output);
    const BuildFailure failure = read_failure(one.output);
    CHECK(failure.cause == one.cause);
    CHECK(failure.package == one.package);
  }
  CHECK(read_failure(std::string(1 << 20, 'x')).cause == FailureCause::kOther);
}

TEST_CASE("pins become lower bounds") {
  CHECK(relaxed("a==1.2") == "a>=1.2");
  CHECK(relaxed("a[x]==1.2.* ; python_version == '3.6'") == "a[x]>=1.2 ; python_version == '3.6'");
  CHECK(relaxed("a~=1.4") == "a>=1.4");
  CHECK(relaxed("torch==1.8.1+cu111") == "torch>=1.8.1");
  CHECK(relaxed("a===1") == "a>=1");
  CHECK(relaxed("a!=1.5,==1.*") == "a!=1.5,>=1");
  CHECK(relaxed("a>=1,<2") == "a>=1,<2");
}

TEST_CASE("requirements by name, and what a misspelt one may have meant") {
  CHECK(requirement_name("Scikit_Learn[x]==1 ; m") == "scikit-learn");
  CHECK(requirement_of({"a==1", "b.c>2"}, "b-c") == "b.c>2");
  CHECK_FALSE(requirement_of({"a==1"}, "b").has_value());
  CHECK(probably_meant("scikit-lern") == "scikit-learn");
  CHECK(probably_meant("sklearn") == "scikit-learn");
  CHECK(probably_meant("padnas") == "pandas");
  CHECK_FALSE(probably_meant("numpy").has_value());
  CHECK_FALSE(probably_meant("a-package-of-our-own").has_value());
}

TEST_CASE("pip's configuration in uv's words") {
  const auto settings = read_pip_configuration(
      "# comment\n[global]\nindex-url = https://mirror/simple\nextra_index_url =\n    https://one/x\n    "
      "https://two/y\n[freeze]\nindex-url = no\n"
      "[install]\nfind-links = /wheels\n");
  CHECK(settings.at("index-url") == "https://mirror/simple");
  CHECK(settings.at("extra-index-url") == "\nhttps://one/x\nhttps://two/y");
  CHECK(settings.at("find-links") == "/wheels");
  CHECK(settings.size() == 3);

  const std::map<std::string, std::string> environment{{"PIP_CONFIG_FILE", "/dev/null"},
                                                       {"PIP_INDEX_URL", "https://u:secret@host/simple"},
                                                       {"PIP_EXTRA_INDEX_URL", "https://one/x"},
                                                       {"PIP_FIND_LINKS", "/ https://links/"}};
  const PackageSources sources =
      gather_sources(environment, {"--extra-index-url=https://two/y", "--find-links=/not-on-this-machine", "--pre"});
  const auto variables = uv_variables(sources);
  CHECK(variables.at("UV_INDEX_URL") == "https://u:secret@host/simple");
  CHECK(variables.at("UV_EXTRA_INDEX_URL") == "https://one/x https://two/y");
  CHECK(variables.at("UV_FIND_LINKS") == "/,https://links/");
  CHECK(variables.at("UV_PRERELEASE") == "allow");
  CHECK(sources.notes.size() == 1);
  CHECK(gather_sources(environment, {"--index-url=https://own/"}).index_url == "https://own/");
}

TEST_CASE("authorities that are trusted: pip's own, otherwise those of all tools") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("wb-authorities-" + random_hex(6));
  REQUIRE(make_directories(folder));
  for (const char* const name : {"a", "b"}) REQUIRE(write_file_atomically(folder / name, name));
  const std::string a = folder / "a";
  const std::string b = folder / "b";
  const std::map<std::string, std::string> environment{
      {"SSL_CERT_FILE", a}, {"REQUESTS_CA_BUNDLE", b}, {"CURL_CA_BUNDLE", folder / "." / "a"}};
  CHECK(authority_files(environment, {}) == std::vector<fs::path>{a, b});
  CHECK(authority_files({{"CURL_CA_BUNDLE", b}, {"SSL_CERT_FILE", folder / "gone"}}, {}) == std::vector<fs::path>{b});
  CHECK(authority_files({{"REQUESTS_CA_BUNDLE", folder}}, {}).empty());
  CHECK(authority_files({}, {}).empty());
  PackageSources sources;
  sources.certificate = b;
  CHECK(authority_files(environment, sources) == std::vector<fs::path>{b});
  REQUIRE(remove_tree(folder));
}

TEST_CASE("versions are compared by their numbers") {
  CHECK(version_less("3.9", "3.10"));
  CHECK_FALSE(version_less("3.10", "3.9.18"));
  CHECK(version_less("3.10", "3.10.1"));
}

}  // namespace
}  // namespace werkbank::runner
