// Conda specs ("scikit-learn=0.22", "conda-forge::pytorch>=1.4") as requirements for wheels. The names of the two worlds differ
// for some packages, and conda packs libraries that wheels carry inside themselves.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "environment/requirement.hh"

namespace werkbank::environment {

struct CondaSpec {
  std::string name;  // lower case, without channel
  std::vector<VersionClause> clauses;
  std::string build;  // "py36_0"; it has no counterpart in wheels
};

// requirement_invalid naming the spec.
Result<CondaSpec> parse_conda_spec(std::string_view text);
// The wheel of this spec; nothing for what wheels bring themselves. What was renamed or dropped is told in `notes`.
Result<std::optional<Requirement>> wheel_of(const CondaSpec& spec, std::vector<std::string>& notes);

}  // namespace werkbank::environment
