// The Pythons of this machine.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::runner {

struct Interpreter {
  std::filesystem::path path;  // sys.executable
  std::string version;         // "3.6.15"
  std::string minor;           // "3.6"
  std::string prefix;          // sys.prefix
  std::string base_prefix;
  bool has_azureml = false;  // azureml.core can be imported, and is not Microsoft's
  bool has_genuine_azureml = false;
};

using Variables = std::map<std::string, std::string>;

// Runs the file once and asks it. interpreter_not_found where it is not there, not executable, or not Python.
Result<Interpreter> probe_interpreter(const std::filesystem::path& file, const Variables& environment);

// All interpreters of Python 3.6 and newer: PATH, pyenv, uv, conda. Sorted by version; of one version the first found.
// Extra folders are those in which uv keeps the interpreters it fetched.
// What an interpreter answered is kept in `memory` (a file; empty: nowhere) for as long as its file does not change: only
// version and places are to be read from such an answer, packages may have come since.
std::vector<Interpreter> find_interpreters(const Variables& environment, const std::vector<std::filesystem::path>& uv_folders,
                                           const std::filesystem::path& memory);

// "3.6.15 (/usr/bin/python3.6), …" for messages.
std::string list_interpreters(const std::vector<Interpreter>& interpreters);
bool version_less(const std::string& a, const std::string& b);  // numeric, part by part

}  // namespace werkbank::runner
