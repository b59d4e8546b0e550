#include "environment/conda_package.hh"

#include <doctest/doctest.h>

namespace werkbank::environment {
namespace {

// The wheel's requirement, "-" where nothing is installed, or "refused".
std::string wheel(const std::string& spec, std::vector<std::string>* said = nullptr) {
  std::vector<std::string> notes;
  const auto parsed = parse_conda_spec(spec);
  if (!parsed) return "refused";
  const auto requirement = wheel_of(*parsed, notes);
  if (said != nullptr) *said = notes;
  if (!requirement) return "refused";
  return *requirement ? (*requirement)->text() : "-";
}

TEST_CASE("conda specs become requirements") {
  struct Case {
    std::string spec;
    std::string requirement;
  };
  const Case cases[] = {
      {"numpy", "numpy"},
      {"numpy=1.2", "numpy==1.2.*"},
      {"numpy = 1.2", "numpy==1.2.*"},
      {"numpy=1.2.*", "numpy==1.2.*"},
      {"numpy==1.2", "numpy==1.2"},
      {"numpy>=1", "numpy>=1"},
      {"numpy >=1,<2", "numpy<2,>=1"},
      {"numpy>=1.2.*", "numpy>=1.2"},
      {"numpy 1.2", "numpy==1.2"},
      {"numpy 1.2.*", "numpy==1.2.*"},
      {"numpy 1.2*", "numpy==1.2.*"},
      {"numpy=1.11.1=py36_0", "numpy==1.11.1"},
      {"numpy 1.11.1 py36_0", "numpy==1.11.1"},
      {"numpy=*", "numpy"},
      {"numpy[version='>=1.2']", "numpy>=1.2"},
      {"conda-forge::Numpy=1.2", "numpy==1.2.*"},
      {"conda-forge/linux-64::numpy", "numpy"},
      {"pytorch>=1.4", "torch>=1.4"},
      {"opencv", "opencv-python"},
      {"py-xgboost==0.90", "xgboost==0.90"},
      {"matplotlib-base", "matplotlib"},
      {"tensorflow-gpu=1.15", "tensorflow-gpu==1.15.*"},
      {"ruamel_yaml", "ruamel-yaml"},
      {"python=3.6", "-"},
      {"pip", "-"},
      {"cudatoolkit=10.1", "-"},
      {"graphviz", "-"},
      {"r-base", "refused"},
      {"", "refused"},
      {"=1.2", "refused"},
      {"numpy=", "refused"},
      {"numpy=1.2=", "refused"},
      {"numpy=one", "refused"},
      {"numpy=1.2|1.3", "refused"},
      {"numpy[build=x]", "refused"},
      {"https://host/x.tar.bz2", "refused"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.spec);
    CHECK(wheel(one.spec) == one.requirement);
  }
}

TEST_CASE("what was changed is told") {
  std::vector<std::string> notes;
  wheel("pytorch=1.4=py3.6_cuda10", &notes);
  REQUIRE(notes.size() == 2);
  CHECK(notes[0] == "conda package pytorch is torch among wheels");
  CHECK(notes[1].find("py3.6_cuda10") != std::string::npos);
  wheel("cudatoolkit", &notes);
  CHECK(notes.size() == 1);
}

}  // namespace
}  // namespace werkbank::environment
