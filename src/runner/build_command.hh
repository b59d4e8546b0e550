// Running a tool during a build: its output is shown as it comes and kept for the diagnosis.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace werkbank::runner {

// Writes to stdout at once. A reader that went away does not stop the build: what it makes stays in the cache.
void say(std::string_view line);

enum class Echo { kShow, kHide };

struct CommandResult {
  int exit_code = -1;
  std::string output;  // stdout and stderr in the order they came, at most the last MiB
};

// Runs to the end. SIGTERM and SIGINT to this process meanwhile end the tool and then the build: environment_failed.
Result<CommandResult> run_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
                                  Echo echo);

}  // namespace werkbank::runner
