// Shared by the readers of the two dialects. Inside of client/project only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "client/project/run_config.hh"
#include "client/project/yaml.hh"

namespace werkbank::client {

// A file below the project folder, found without regard to case. Nothing where it is absent; config_invalid where two spellings
// stand side by side, or where the path leads out of the folder.
Result<std::optional<std::filesystem::path>> find_in_project(const std::filesystem::path& folder, const std::string& relative);
// The same for a file that some key names: config_invalid where it is absent.
Result<std::filesystem::path> require_in_project(const std::filesystem::path& folder, const std::string& relative,
                                                 const std::string& named_by);

// Whether the text is of the 2017 dialect: it has one of its keys at the start of a line.
bool is_2017_text(std::string_view text);
// Published files of 2017 that are not quite YAML, made YAML: lines keep their numbers.
std::string repaired_2017(std::string_view text);

Result<ProjectRunConfig> read_2017(const std::filesystem::path& folder, const std::string& name, std::string_view text);
Result<ProjectRunConfig> read_2020(const std::filesystem::path& folder, const std::string& name, std::string_view text);

}  // namespace werkbank::client
