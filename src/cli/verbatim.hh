// Verbs whose line ends in SCRIPT ARGUMENTS…: what follows the script's name belongs to the script, even --help.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace werkbank::cli {

void mark_verbatim(CLI::App& verb);

// Takes the script and all behind it off `arguments` (the line without the program's name) where they lead to a marked verb.
// Options before the script are told from it by what the verb declares: which of them take a value.
std::vector<std::string> split_verbatim(const CLI::App& root, std::vector<std::string>& arguments);

}  // namespace werkbank::cli
