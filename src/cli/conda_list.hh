// `conda env list` inside of `werkbank shell`: every environment that Werkbank has built on this machine.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/terminal.hh"

namespace werkbank::cli {

// Set by `werkbank shell`: the folder of the runtime that the shell was opened with.
inline constexpr std::string_view kRuntimeVariable = "WERKBANK_RUNTIME";

struct BuiltEnvironment {
  std::string name;  // "werkbank-1a2b3c4d"
  std::filesystem::path folder;
  std::string python_version;
};
// Those that are whole: a build writes ready.json last.
std::vector<BuiltEnvironment> list_built(const std::filesystem::path& home);
// conda's lines: name, a star at the active one, path. The runtime is called werkbank.
std::string format_built(const std::vector<BuiltEnvironment>& built, const std::filesystem::path& runtime);
std::vector<std::string> path_folders(const std::string& path_value);

// The program called as `conda`.
int run_as_conda(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment,
                 Terminal& terminal);

}  // namespace werkbank::cli
