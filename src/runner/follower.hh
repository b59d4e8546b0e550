// A thread that carries one kind of thing to the server: logs, metrics, collected files. Each has its own connection, so that a
// large upload never holds up a line of output.
#pragma once

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <thread>

#include "data/data_store.hh"
#include "domain/launch.hh"
#include "domain/work_folder.hh"
#include "runner/lifeline.hh"
#include "runner/state_file.hh"

namespace werkbank::runner {

// What the parts of a runner work on. Outlives them all.
struct AttemptContext {
  const LaunchPlan& plan;
  const WorkFolder& folder;
  Lifeline& lifeline;
  Warnings& warnings;
  StateFile& state;
  uint64_t open_files = 0;       // the script's limit
  bool is_after_reboot = false;  // the files may end before what the server has of them
  const data::DataStoreOpener* open_data = nullptr;
};

class Follower {
 public:
  explicit Follower(const AttemptContext& context) : context_(context) {}
  virtual ~Follower() = default;  // after join(); the runner joins all before it lets them go
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void start();
  // Nothing is written any more: carry what is left and end.
  void drain();
  void join();

 protected:
  virtual void work() = 0;  // returns when drained, or when the lifeline is lost
  // Waits until one of the descriptors speaks, drain() was called, the lifeline is lost, or the time is over.
  void wait(std::initializer_list<int> fds, std::chrono::milliseconds at_most) const;
  bool is_draining() const { return draining_.load(std::memory_order_acquire); }
  bool is_lost() const { return context_.lifeline.is_lost(); }

  const AttemptContext context_;

 private:
  std::atomic<bool> draining_{false};
  Bell bell_;
  std::thread thread_;
};

// Events can get lost (a mapped file, a network file system): what is followed is looked at this often all the same.
inline constexpr std::chrono::milliseconds kLookAnyway{10'000};
inline constexpr std::chrono::milliseconds kLookWhenBlind{1'000};

// The watched directories that can be: relative, below code/, and not outputs/, which is collected instead. The others are warned
// of.
std::vector<std::string> usable_directories(const LaunchPlan& plan, Warnings& warnings);

}  // namespace werkbank::runner
