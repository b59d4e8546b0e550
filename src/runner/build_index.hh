// Where packages come from: what the recipe and pip's own configuration on this machine say, in the words of uv's variables.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace werkbank::runner {

struct PackageSources {
  std::string index_url;  // empty: the public index
  std::vector<std::string> extra_indexes;
  std::vector<std::string> find_links;
  std::vector<std::string> insecure_hosts;
  std::string certificate;  // a CA bundle
  std::string proxy;
  bool no_index = false;
  bool prereleases = false;
  std::vector<std::string> notes;
};

// pip's configuration file format: [section], key = value, continuation lines. Keys of [global] and [install], '_' as '-'.
std::map<std::string, std::string> read_pip_configuration(std::string_view text);
// The files pip reads, weakest first.
std::vector<std::filesystem::path> pip_configuration_files(const std::map<std::string, std::string>& environment);
// Files < PIP_* variables < the recipe's own lines for the index; the other lists add up.
PackageSources gather_sources(const std::map<std::string, std::string>& environment,
                              const std::vector<std::string>& recipe_options);
// The files with the authorities that are trusted: pip's own alone, where it names one; otherwise all that the variables of
// OpenSSL, requests and curl name. Only such as are here; none: the machine's.
std::vector<std::filesystem::path> authority_files(const std::map<std::string, std::string>& environment,
                                                   const PackageSources& sources);
// The variables that tell uv; it has none for no_index. Addresses may hold passwords: variables are not seen by other users,
// arguments are.
std::map<std::string, std::string> uv_variables(const PackageSources& sources);

}  // namespace werkbank::runner
