// The patterns of .amlignore and .gitignore, with git's meaning: the last pattern that matches decides; '!' takes back; a '/' at
// the end means folders only; a '/' elsewhere anchors at the root; '**' crosses folders; '\' takes the next character as it is.
// As in git, a file below an ignored folder cannot be taken back: whoever walks does not enter an ignored folder.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace werkbank::client {

// One pattern, compiled. Matching takes time in the product of the lengths, whatever the pattern.
class GlobPattern {
 public:
  // `is_path` false: the text is a bare name, and "**" is "*".
  GlobPattern(std::string_view pattern, bool is_path);
  bool matches(std::string_view text) const;

 private:
  enum class Kind : uint8_t { kLiteral, kAny, kSet, kStar, kAnything, kFolders };
  struct Token {
    Kind kind;
    char literal = 0;
    uint16_t set = 0;  // index in sets_
  };
  void add_stars(std::string_view pattern, size_t& at, bool at_component_start);
  bool add_set(std::string_view pattern, size_t& at);
  bool matches_one(const Token& token, char c) const;

  bool is_path_;
  bool never_ = false;   // a malformed pattern matches nothing
  std::string literal_;  // whole pattern where it has no wildcard
  bool is_literal_ = false;
  std::vector<Token> tokens_;
  std::vector<std::bitset<256>> sets_;
};

class IgnoreRules {
 public:
  IgnoreRules() = default;  // ignores nothing
  static IgnoreRules parse(std::string_view text);

  // `path` is relative to the folder of the rules, without a '/' at the end; its parents are not ignored.
  bool is_ignored(std::string_view path, bool is_folder) const;
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    GlobPattern pattern;
    bool negates = false;
    bool folders_only = false;
    bool name_only = false;  // the pattern has no '/': it is held against the last component
  };
  void add_line(std::string_view line);
  std::vector<Rule> rules_;
};

}  // namespace werkbank::client
