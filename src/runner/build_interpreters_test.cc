#include "runner/build_interpreters.hh"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::runner {
namespace {

namespace fs = std::filesystem;

// A program that answers as an interpreter does, and counts how often it was asked.
class FakeInterpreter {
 public:
  FakeInterpreter() : folder_(fs::temp_directory_path() / ("wb-python-" + random_hex(6))) {
    REQUIRE(make_directories(folder_ / "bin"));
    write("3.9.99", "");
  }
  ~FakeInterpreter() { CHECK(remove_tree(folder_)); }

  void write(const std::string& version, const std::string& more) const {
    const std::string text = fmt::format(
        "#!/bin/sh\necho asked >> {0}/asked\n"
        "echo 'WERKBANK {{\"version\": \"{1}\", \"executable\": \"{0}/bin/python3\", \"prefix\": \"/p\", "
        "\"base_prefix\": \"/p\", \"azureml\": false, \"genuine\": false}}'\n{2}",
        folder_.string(), version, more);
    REQUIRE(write_file_atomically(folder_ / "bin/python3", text, 0755, false));
  }
  size_t times_asked() const {
    const auto text = read_file(folder_ / "asked", 1 << 20);
    return text ? static_cast<size_t>(std::ranges::count(*text, '\n')) : 0;
  }
  bool is_found(const std::string& version) const {
    const Variables environment{{"PATH", (folder_ / "bin").string()}};
    const auto found = find_interpreters(environment, {}, memory());
    return std::ranges::any_of(
        found, [&](const Interpreter& one) { return one.path == folder_ / "bin/python3" && one.version == version; });
  }
  fs::path memory() const { return folder_ / "not/yet/there/interpreters.json"; }

 private:
  fs::path folder_;
};

TEST_CASE("an interpreter is asked once, and again when its file has changed") {
  const FakeInterpreter interpreter;
  CHECK(interpreter.is_found("3.9.99"));
  CHECK(interpreter.is_found("3.9.99"));
  CHECK(interpreter.times_asked() == 1);
  interpreter.write("3.9.98", "# longer than it was\n");
  CHECK(interpreter.is_found("3.9.98"));
  CHECK(interpreter.times_asked() == 2);
}

TEST_CASE("a memory that does not read is no memory") {
  const FakeInterpreter interpreter;
  CHECK(interpreter.is_found("3.9.99"));
  for (const char* const torn : {"", "[]", "{\"x\": 1}", "{\"", "\xff"}) {
    CAPTURE(torn);
    REQUIRE(write_file_atomically(interpreter.memory(), torn, 0600, false));
    CHECK(interpreter.is_found("3.9.99"));
  }
}

}  // namespace
}  // namespace werkbank::runner
