// What the runner's threads share about ending: whether this attempt is still ours, a way to be woken, and words for the user.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "base/files.hh"

namespace werkbank::runner {

// An event that a poll() can wait for; any thread rings it.
class Bell {
 public:
  Bell();
  int fd() const { return fd_.get(); }
  void ring() const;
  void silence() const;  // until the next ring

 private:
  Fd fd_;
};

// Lost for good when the server says that another attempt has taken over, or that the run is gone. Thread-safe.
class Lifeline {
 public:
  void lose(const std::string& why);
  bool is_lost() const { return lost_.load(std::memory_order_acquire); }
  int fd() const { return bell_.fd(); }  // readable for ever once lost
  // Waits, less where the lifeline is lost meanwhile.
  void pause(std::chrono::milliseconds duration) const;

 private:
  std::atomic<bool> lost_{false};
  Bell bell_;
};

// Sentences for the run's warnings; each once, and not more than the record can bear. Thread-safe.
class Warnings {
 public:
  void add(std::string sentence);
  std::vector<std::string> all() const;
  size_t count() const;

 private:
  static constexpr size_t kCountMax = 100;
  mutable std::mutex mutex_;
  std::vector<std::string> sentences_;
};

// Growing pauses between tries: 50 ms to 2 s.
class Backoff {
 public:
  std::chrono::milliseconds next();
  void reset() { pause_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kLongest{2000};
  std::chrono::milliseconds pause_ = kFirst;
};

}  // namespace werkbank::runner
