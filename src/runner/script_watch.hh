// Starting the script beside its shim, and waiting for its end: all that is known of it is in the work folder's files.
#pragma once

#include <chrono>
#include <optional>

#include "base/process.hh"
#include "runner/follower.hh"

namespace werkbank::runner {

enum class ScriptState {
  kNotStarted,  // no shim ever claimed the folder
  kRunning,     // its shim lives
  kEnded,       // exit.json says how
  kLost,        // the shim is gone and left no word
};
Result<ScriptState> script_state(const WorkFolder& folder);

// Starts a shim and returns once it, or another one, has claimed the folder. launch_failed where none does.
Status start_shim(const AttemptContext& context);

// Waits for what happens around a running script.
class ScriptWatch {
 public:
  explicit ScriptWatch(const WorkFolder& folder);

  enum class Event { kEnded, kCancelAsked, kTimeUp, kDismissed, kLeaseLost };
  struct Interest {
    bool cancel = true;                                 // kCancelAsked is told
    std::optional<std::chrono::milliseconds> deadline;  // CLOCK_MONOTONIC
  };
  // `dismissed`: rung when this runner is to leave the script alone and go (SIGTERM without a wish to cancel).
  Result<Event> wait(const Interest& interest, const Bell& dismissed, const Lifeline& lifeline);
  // Waits until something is written into the folder, the shim ends, or the time is over.
  void wait_for_change(int other_fd, int lifeline_fd, std::chrono::milliseconds at_most);

 private:
  const WorkFolder& folder_;
  Fd inotify_;
  Fd shim_;  // pidfd
};

}  // namespace werkbank::runner
