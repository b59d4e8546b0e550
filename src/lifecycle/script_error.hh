// What the end of a script's log tells of why it failed. Pure.
#pragma once

#include <string>
#include <vector>

namespace werkbank::lifecycle {

struct ScriptError {
  std::string exception;  // "ValueError: boom"; of an exception of azureml its message and code; empty: none was found
  std::string hint;       // what to do next
};
ScriptError script_error(const std::vector<std::string>& log_tail);

// The lines worth reading: the last traceback, or what the script said last. An exception of azureml tells everything twice; the
// second time is left out.
std::vector<std::string> telling_lines(const std::vector<std::string>& log_tail);

}  // namespace werkbank::lifecycle
