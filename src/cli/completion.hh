// A shell's completion script for a tree of commands.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>

namespace werkbank::cli {

// `shell` is bash, zsh or fish; `program` the name it completes: "werkbank", "az".
std::string completion_script(const CLI::App& app, std::string_view shell, std::string_view program);

}  // namespace werkbank::cli
