// Running a tool during a build: its output is shown as it comes and kept for the diagnosis.
#pragma once

#include <map>
#include <memory>
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

// A tool that runs while its owner does something else: its output waits in a pipe. Where nobody has waited for its end, the
// destructor ends it, and nothing of it runs any more. Those of one owner end in the order of a stack.
class RunningCommand {
 public:
  static Result<RunningCommand> start(const std::vector<std::string>& argv,
                                      const std::map<std::string, std::string>& environment);
  RunningCommand(RunningCommand&&) noexcept;
  RunningCommand& operator=(RunningCommand&&) = delete;
  ~RunningCommand();
  // As run_command(). Once.
  Result<CommandResult> finish(Echo echo);

 private:
  struct Process;
  explicit RunningCommand(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process_;
};

// Runs to the end. SIGTERM and SIGINT to this process meanwhile end the tool and then the build: environment_failed.
Result<CommandResult> run_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
                                  Echo echo);

}  // namespace werkbank::runner
