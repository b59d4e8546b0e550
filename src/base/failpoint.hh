// Named places where a test makes the process die or fail:
// WERKBANK_FAILPOINTS="submit.after_commit=kill@3,runner.before_ack=error". `kill` is SIGKILL to itself at the n-th passage
// (default 1), `error` makes the place answer io_failed, `sleep:MS` waits. `error@n` and `sleep:MS@n` act at the n-th passage
// only, without @n at each. Without the variable a passage costs one load of a flag; a variable that does not read ends the
// process, since a test that arms nothing would pass for the wrong reason. With WERKBANK_FAILPOINTS_ONCE=FOLDER a place kills
// only the first process that reaches it, and leaves a file of its name there.
#pragma once

#include <string_view>

#include "base/result.hh"

namespace werkbank {

Status failpoint(std::string_view name);     // success unless an `error` is armed here
void failpoint_kill(std::string_view name);  // for places that cannot fail

// Replaces what is armed by what the text says ("" for nothing); for tests inside one process. config_invalid on bad text.
Status arm_failpoints(std::string_view text);

}  // namespace werkbank
