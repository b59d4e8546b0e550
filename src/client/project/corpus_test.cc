// Every file of testdata/bad is refused with exactly the message and hint of its *.expected.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.hh"
#include "base/hash.hh"
#include "client/project/conda_file.hh"
#include "client/project/run_config.hh"
#include "client/project/test_folder.hh"

namespace werkbank::client {
namespace {

namespace fs = std::filesystem;

// The error that reading this file gives, or an empty text where it is (wrongly) taken.
std::string refusal_of(const fs::path& file, const std::string& content) {
  TestFolder folder;
  std::optional<Error> error;
  const std::string name = file.filename().string();
  if (name.starts_with("d_")) {
    folder.write("conda_dependencies.yml", content);
    auto read = read_conda_file(folder.path() / "conda_dependencies.yml", "conda_dependencies.yml");
    if (!read) error = read.error();
  } else {
    if (name.starts_with("c_")) {
      folder.write("aml_config/machine.runconfig", "Target: machine\nFramework: Python\n");
      folder.write("aml_config/machine.compute", content);
    }
    if (name.starts_with("o_")) folder.write("aml_config/machine.runconfig", content);
    if (name.starts_with("r_")) folder.write(".azureml/machine.runconfig", content);
    auto read = load_run_config(folder.path(), "machine");
    if (!read) error = read.error();
  }
  if (!error) return {};
  const std::string hint = error->hint.empty() ? "" : "\n" + error->hint;
  return std::string(error->code->id) + "\n" + error->to_string() + hint + "\n";
}

TEST_CASE("bad project files are refused with these messages") {
  const bool update = std::getenv("WERKBANK_UPDATE_SNAPSHOTS") != nullptr;
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(testdata_folder() / "bad")) {
    if (entry.path().extension() != ".yml") continue;
    ++count;
    CAPTURE(entry.path().filename().string());
    const auto content = read_file(entry.path());
    REQUIRE(content.has_value());
    const std::string refusal = refusal_of(entry.path(), *content);
    CHECK_FALSE(refusal.empty());
    const fs::path expected_file = fs::path(entry.path()).replace_extension(".expected");
    if (update) REQUIRE(write_file_atomically(expected_file, refusal, 0644, false).has_value());
    const auto expected = read_file(expected_file);
    REQUIRE(expected.has_value());
    CHECK(refusal == *expected);
  }
  CHECK(count >= 50);
}

}  // namespace
}  // namespace werkbank::client
