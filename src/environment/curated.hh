// The curated environments: definitions that every workspace has without registering them, under v1's names (curated.def).
#pragma once

#include <span>
#include <string_view>

#include "domain/environment.hh"

namespace werkbank::environment {

// Sorted by name; all of version "1". They live as long as the program.
std::span<const EnvironmentDefinition> curated_environments();
// nullptr where there is none of that name.
const EnvironmentDefinition* find_curated(std::string_view name);
// Names that users cannot register: those that begin with AzureML or Microsoft, in any case, as v1 has it.
bool is_reserved_name(std::string_view name);

}  // namespace werkbank::environment
