#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

Result<compute::ComputeTarget*> TargetRegistry::find(const std::string& name) const {
  if (const auto found = targets_.find(name); found != targets_.end()) return found->second.get();
  const std::vector<std::string> known = names();
  const std::optional<std::string> nearest = nearest_word(name, known);
  return fail(
      errors::target_unknown,
      fmt::format("there is no compute target {:?}{}", name, nearest ? fmt::format("; did you mean {:?}?", *nearest) : ""),
      fmt::format("Targets here: {}. `werkbank compute list` shows them.", fmt::join(known, ", ")));
}

std::vector<std::string> TargetRegistry::names() const {
  std::vector<std::string> found;
  for (const auto& [name, target] : targets_) found.push_back(name);
  return found;
}

}  // namespace werkbank::lifecycle
