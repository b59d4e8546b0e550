// The steps that make a work folder ready for its script, in their order (kInputSteps). Later inputs, such as data, are further
// entries.
#pragma once

#include <span>
#include <string_view>

#include "runner/follower.hh"

namespace werkbank::runner {

struct InputStep {
  std::string_view name;
  // Leaves the folder as if it had run once, also when a runner died in the middle of it before. A failure ends the run (launch);
  // lease_lost where the attempt is no longer ours.
  Status (*run)(const AttemptContext& context);
};
std::span<const InputStep> input_steps();
Status run_input_steps(const AttemptContext& context);

// Step 1: the snapshot becomes code/, writable, files 0644 or 0755.
Status materialise_snapshot(const AttemptContext& context);

}  // namespace werkbank::runner
