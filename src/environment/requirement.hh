// Requirement lines as pip reads them (PEP 508 names, extras, versions and markers; PEP 440 versions), checked before anything is
// built, so that a slip is answered at submit. Total: any bytes give a requirement or an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::environment {

struct VersionClause {
  std::string op;       // == != <= >= < > ~= ===
  std::string version;  // "1.2", "1.2.*"
};

struct Requirement {
  std::string name;  // as written
  std::vector<std::string> extras;
  std::vector<VersionClause> clauses;
  std::string marker;  // "python_version < '3.8'"; empty: none
  // "name[extra]==1.2,<2 ; marker" with one spelling for equal requirements.
  std::string text() const;
  std::string key() const;  // the normalised name (PEP 503)
};

// PEP 503: lower case, runs of - _ . become one -.
std::string normalized_name(std::string_view name);
bool is_version(std::string_view text);  // PEP 440, without a leading operator
Result<std::vector<VersionClause>> parse_version_clauses(std::string_view text);
// requirement_invalid naming the line; URLs, paths, local wheels and editable installs are refused with the reason.
Result<Requirement> parse_requirement(std::string_view line);

// An option line in a list of requirements ("--index-url https://…", "-f /wheels").
bool is_option_line(std::string_view line);
// The line's options as "--name=value". What only tunes pip (--no-cache-dir …) is left out and told in `notes`.
Result<std::vector<std::string>> parse_option_line(std::string_view line, std::vector<std::string>& notes);

// The line without its comment (" #…") and the blanks around it.
std::string_view without_comment(std::string_view line);

}  // namespace werkbank::environment
