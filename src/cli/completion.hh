// A shell's completion script for a tree of commands.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>

namespace werkbank::cli {

std::string completion_script(const CLI::App& app, std::string_view shell);  // bash, zsh or fish

}  // namespace werkbank::cli
