// Tells the server where the run is: at once when that changes, and every five seconds as a sign of life. Brings back the wish to
// cancel.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "runner/follower.hh"
#include "runner/server_link.hh"

namespace werkbank::runner {

class Reporter {
 public:
  // `on_cancel` is called on the reporter's thread, possibly more than once.
  Reporter(const AttemptContext& context, std::function<void()> on_cancel);
  ~Reporter();  // stop()
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  void start();
  void set_phase(RunnerPhase phase);
  // Says that all is over and waits for the acknowledgement. False where the attempt was lost before it came.
  // script_ended_ms: 0 where nobody saw it.
  bool finish(RunEnd end, UtcMs script_ended_ms);
  void stop();

 private:
  void work();
  void send(const RunnerReport& report);

  const AttemptContext context_;
  std::function<void()> on_cancel_;
  ServerLink link_;
  std::mutex mutex_;
  std::condition_variable changed_;
  RunnerPhase phase_ = RunnerPhase::kPreparing;
  RunEnd end_;
  UtcMs script_ended_ms_ = 0;
  bool has_news_ = false;
  bool done_acknowledged_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace werkbank::runner
