// Named places where a test makes the process die or fail: WERKBANK_FAILPOINTS="submit.after_commit=kill@3,runner.before_ack=error".
// `kill` is SIGKILL to itself at the n-th passage (default 1), `error` makes the place answer io_failed, `sleep:MS` waits.
// Without the variable a passage costs one load of a flag.
#pragma once

#include "base/result.hh"

namespace werkbank {

Status failpoint(std::string_view name);   // success unless an `error` is armed here
void failpoint_kill(std::string_view name);  // for places that cannot fail

}  // namespace werkbank
