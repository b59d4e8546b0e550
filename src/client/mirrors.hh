// Mirrors of public addresses, for sites without the internet: the name of an open dataset or a host, and the folder or URL that
// holds the same. WERKBANK_HOME/mirrors.json; the Python package reads it, too (azureml/_werkbank/mirrors.py).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::client {

struct Mirror {
  std::string name;    // "mnist", "data.example.com", lower case
  std::string target;  // an absolute folder, or http(s)://…
};

std::filesystem::path mirrors_file(const std::filesystem::path& home);
// In the order of their names. None where there is no file; config_invalid where it cannot be understood.
Result<std::vector<Mirror>> read_mirrors(const std::filesystem::path& home);
Status write_mirrors(const std::filesystem::path& home, std::vector<Mirror> mirrors);
// As it is kept: the name in lower case, a folder absolute. invalid_request for a name that is none, for what is neither a folder
// that is there nor an http or https address, and for an address with a login in it.
Result<Mirror> checked_mirror(const std::string& name, const std::string& target);

}  // namespace werkbank::client
