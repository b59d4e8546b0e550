// Which files of a storage a path means: one file, a folder with all below it, or those that match a pattern.
// '*' any characters but '/', '?' one of them, "[a-c]" and "[!a-c]" one of these, or one that is not; "**" any number of folders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::data {

class PathPattern {
 public:
  // "" and "/" mean everything. path_refused.
  static Result<PathPattern> parse(std::string_view text);

  bool has_wildcards() const { return has_wildcards_; }
  const std::string& text() const { return text_; }
  // What each matching path begins with, as a listing takes it.
  const std::string& prefix() const { return prefix_; }
  bool matches(std::string_view path) const;
  // What is left of a matching path below the longest folder without a wildcard.
  std::string name_of(std::string_view path) const;

 private:
  std::string text_, prefix_;
  std::vector<std::string> parts_;
  size_t folder_bytes_ = 0;  // of that folder, its '/' included
  bool has_wildcards_ = false;
};

}  // namespace werkbank::data
