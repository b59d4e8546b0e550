// From the words of a command line to the command: parsing, usage errors with suggestions, the exit code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/context.hh"

namespace werkbank::cli {

struct Dialect {
  std::string program;  // "werkbank", "az"
  std::string description;
  std::function<void(CLI::App&, Context&)> add_commands;
  OutputFormat default_format = OutputFormat::kTable;
};

// Parses `arguments` (without the program's name) and carries the command out.
int dispatch(const Dialect& dialect, Context& context, std::vector<std::string> arguments);

}  // namespace werkbank::cli
