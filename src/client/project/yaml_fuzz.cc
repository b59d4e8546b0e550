// Any bytes as a project file: a value or an error, never a crash.
#include <cstddef>
#include <cstdint>

#include "client/project/conda_file.hh"
#include "client/project/run_config_parts.hh"
#include "client/project/yaml.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto root = werkbank::client::parse_yaml(text, "fuzz.yml")) {
    static_cast<void>(werkbank::canonical_json(werkbank::client::to_json(*root)));
    static_cast<void>(werkbank::client::conda_file_of(*root, "fuzz.yml"));
  }
  const std::filesystem::path nowhere = "/nonexistent";
  static_cast<void>(werkbank::client::read_2017(nowhere, "fuzz.runconfig", text));
  static_cast<void>(werkbank::client::read_2020(nowhere, "fuzz.runconfig", text));
  return 0;
}
