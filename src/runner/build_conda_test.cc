#include "runner/build_conda.hh"

#include <doctest/doctest.h>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::runner {
namespace {

using Texts = std::vector<std::string>;

EnvironmentRecipe recipe_of(Texts specs, std::string python, PinPolicy policy = PinPolicy::kExact) {
  EnvironmentRecipe recipe;
  recipe.kind = "uv";
  recipe.conda_specs = std::move(specs);
  recipe.python_version = std::move(python);
  recipe.policy = policy;
  return recipe;
}

TEST_CASE("conda specs give way to lower bounds, and only where they pin") {
  struct Case {
    std::string spec, relaxed;
  };
  const Case cases[] = {
      {"numpy=1.19", "numpy >=1.19"},
      {"numpy==1.19.2", "numpy >=1.19.2"},
      {"numpy=1.19=py36_0", "numpy >=1.19"},
      {"numpy = 1.19", "numpy >=1.19"},
      {"numpy 1.19.*", "numpy >=1.19"},
      {"conda-forge::numpy=1.19", "conda-forge::numpy >=1.19"},
      {"numpy", "numpy"},
      {"numpy>=1.19", "numpy>=1.19"},
      {"numpy>=1,<2", "numpy>=1,<2"},
      {"numpy=*", "numpy=*"},
      {"numpy[version='1.19']", "numpy[version='1.19']"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.spec);
    CHECK(relaxed_spec(one.spec) == one.relaxed);
  }
}

TEST_CASE("the name of a conda spec") {
  for (const char* const spec : {"numpy", "NumPy=1.19", "conda-forge::numpy >=1", "numpy[version='1']", "numpy 1.19"})
    CHECK(spec_name(spec) == "numpy");
}

TEST_CASE("the solver is asked for the Python as written, then for its minor version") {
  const CondaAttempts attempts = conda_attempts(recipe_of({"numpy=1.19"}, "3.8.13"));
  CHECK(attempts.specs == std::vector<Texts>{{"python=3.8.13", "numpy=1.19"}, {"python=3.8", "numpy=1.19"}});
  CHECK(attempts.exact == 2);
  CHECK(conda_attempts(recipe_of({}, "3.8")).specs == std::vector<Texts>{{"python=3.8"}});
}

TEST_CASE("Python 3.5 is exact, and with nearest the next one up") {
  CHECK(conda_attempts(recipe_of({}, "3.5.2")).specs == std::vector<Texts>{{"python=3.5.2"}});
  const CondaAttempts nearest = conda_attempts(recipe_of({"a=1"}, "3.5.2", PinPolicy::kNearest));
  REQUIRE(nearest.specs.size() > 3);
  CHECK(nearest.exact == 1);
  CHECK(nearest.specs[1] == Texts{"python=3.5", "a >=1"});
  CHECK(nearest.specs[2] == Texts{"python=3.6", "a >=1"});
}

TEST_CASE("what uv and pip installed is told from what conda did") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("wb-conda-" + random_hex(6));
  const fs::path packages = folder / "lib/python3.10/site-packages";
  const auto install = [&packages](const std::string& distribution, const std::string& installer) {
    REQUIRE(make_directories(packages / (distribution + ".dist-info")));
    REQUIRE(write_file_atomically(packages / (distribution + ".dist-info") / "INSTALLER", installer));
  };
  install("scikit_learn-1.0.2", "uv");
  install("Six-1.16.0", "pip\n");
  install("numpy-1.22.0", "conda\n");
  REQUIRE(make_directories(packages / "torn-1.0.dist-info"));
  fs::create_directory_symlink("python3.10", folder / "lib/python3.1");
  CHECK(pip_installed(folder) == Texts{"scikit-learn==1.0.2", "six==1.16.0"});
  CHECK(pip_installed(folder / "nowhere").empty());
  REQUIRE(remove_tree(folder));
}

TEST_CASE("of a lock what is about some packages") {
  const std::string lock =
      "a-b==1.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nc==2.0 \\\n    --hash=sha256:3\nd==3 \\\n    --hash=sha256:4";
  CHECK(lock_of(lock, {"a-b==1.0", "d==3"}) ==
        "a-b==1.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nd==3 \\\n    --hash=sha256:4");
  CHECK(lock_of(lock, {}).empty());
  CHECK(lock_of("", {"a"}).empty());
}

TEST_CASE("a Python that nobody wrote is tried in the recipe's order") {
  EnvironmentRecipe recipe = recipe_of({"a"}, "");
  recipe.python_fallbacks = {"3.10", "3.6"};
  CHECK(conda_attempts(recipe).specs == std::vector<Texts>{{"python=3.10", "a"}, {"python=3.6", "a"}});
}

}  // namespace
}  // namespace werkbank::runner
