#include "runner/steps.hh"

#include <array>

#include "base/log.hh"
#include "runner/data_step.hh"

namespace werkbank::runner {
namespace {

constexpr std::array kInputSteps{
    InputStep{"snapshot", materialise_snapshot},
    InputStep{"data", bring_data},
};

}  // namespace

std::span<const InputStep> input_steps() { return kInputSteps; }

Status run_input_steps(const AttemptContext& context) {
  for (const InputStep& step : input_steps()) {
    const Status done = step.run(context);
    if (!done) return fail_in(step.name, done.error());
    log_info("input ready step={}", step.name);
  }
  return {};
}

}  // namespace werkbank::runner
