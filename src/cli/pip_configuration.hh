// pip's configuration file (pip.conf), changed by whole lines: what is not ours stays as it is written.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace werkbank::cli {

// Where pip is to look, too: an option of [global] that takes several values, and the value.
struct PipSource {
  std::string option;  // "find-links", "extra-index-url"
  std::string value;
};
// The text with it as the first of the option's values; unchanged where it is one of them already.
std::string with_source(std::string_view text, const PipSource& source);
// The text without it: an option that had no other value, and a section that holds nothing else, go too.
std::string without_source(std::string_view text, const PipSource& source);

// The file that the active virtual environment's pip reads, without one the user's own; PIP_CONFIG_FILE wins.
std::filesystem::path pip_configuration_file(const std::map<std::string, std::string>& environment);
// "file:///home/a%20b/packages/": pip takes values apart at blanks.
std::string file_address(const std::filesystem::path& folder);

}  // namespace werkbank::cli
