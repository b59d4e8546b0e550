// Runs whose last step failed: when each is tried again, and when it is given up. Not thread-safe: the engine's mutex guards it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "base/result.hh"
#include "domain/run.hh"

namespace werkbank::lifecycle {

struct RetryPolicy {
  std::chrono::milliseconds first{1'000};  // doubled after each failure
  std::chrono::milliseconds longest{60'000};
  int64_t failures_max = 12;  // in a row: about seven minutes
};

class Retries {
 public:
  explicit Retries(RetryPolicy policy) : policy_(policy) {}

  struct Entry {
    int64_t failures = 0;           // in a row
    Error last;                     // why the last try failed
    std::chrono::milliseconds due;  // of the next try (monotonic)
    bool is_under_way = false;
  };
  // False where the run has failed too often and is to be given up. A full disk is waited for without end: it is nothing of the
  // run's, and nothing could be noted on it either.
  bool note_failure(const RunKey& run, Error error, std::chrono::milliseconds now);
  void forget(const RunKey& run);  // a step went well, or the run has ended
  // Those whose time has come, each once.
  std::vector<RunKey> take_due(std::chrono::milliseconds now);
  std::optional<Entry> find(const RunKey& run) const;
  int64_t failures_max() const { return policy_.failures_max; }

 private:
  const RetryPolicy policy_;
  std::map<RunKey, Entry> entries_;
};

}  // namespace werkbank::lifecycle
