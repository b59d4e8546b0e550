// The file that a submit's line names as its script.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::cli {

// The script's path in the project. script_not_found where it is missing, no file, unreadable or outside; not_supported where it
// is a notebook or a script for another program than Python.
Result<std::string> locate_script(const std::filesystem::path& folder, const std::string& script);

// Options of the verb that stand among the script's arguments and that the script's text does not mention: they were probably
// meant for the verb. `own`: its long names.
std::vector<std::string> misplaced_options(const std::filesystem::path& script, const std::vector<std::string>& arguments,
                                           const std::vector<std::string>& own);

}  // namespace werkbank::cli
