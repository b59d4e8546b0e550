// How far something is: a line that moves for a person who watches, a plain line every ten seconds for a log file.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.hh"
#include "cli/terminal.hh"

namespace werkbank::cli {

class Progress {
 public:
  explicit Progress(Terminal& terminal) : terminal_(terminal) {}
  ~Progress() { terminal_.clear_progress(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& line) {
    if (terminal_.err_is_terminal()) return terminal_.progress(line);
    const auto now = system_clock().monotonic_now();
    if (last_ && now - *last_ < std::chrono::seconds(10)) return;
    if (last_) terminal_.say(line);  // what is done within ten seconds needs no line
    last_ = now;
  }

 private:
  Terminal& terminal_;
  std::optional<std::chrono::milliseconds> last_;
};

}  // namespace werkbank::cli
