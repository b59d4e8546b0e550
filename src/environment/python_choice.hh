// Which minor versions of Python an environment may have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "environment/requirement.hh"

namespace werkbank::environment {

struct PythonChoice {
  std::string exact;                   // "3.6" or "3.6.2": the user's own wish
  std::vector<std::string> fallbacks;  // without such a wish: to be tried in this order
};

// `wanted` is empty, a version ("3", "3.6", "3.8.13", "3.8.*"), or a range (">=3.6,<3.9").
Result<PythonChoice> choose_python(std::string_view wanted);
Result<PythonChoice> choose_python(const std::vector<VersionClause>& clauses);

}  // namespace werkbank::environment
