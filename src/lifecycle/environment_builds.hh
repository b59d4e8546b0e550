// Makes environments ready on their targets: one build for all who want the same one at the same time, on one thread of the
// builders. Those who wait hold no thread. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/blocking_pool.hh"
#include "compute/compute_target.hh"

namespace werkbank::lifecycle {

class EnvironmentBuilds {
 public:
  // All of it outlives the calls. Output comes on a builder's thread, from the beginning also for those who come later.
  struct Wish {
    compute::OutputSink output = [](std::string_view) {};
    std::function<bool()> canceled = [] { return false; };  // polled while it builds; then the answer is environment_failed
  };

  explicit EnvironmentBuilds(BlockingPool& builders) : builders_(builders) {}

  // Goes on on a builder's thread: what follows must not block for long.
  Task<Result<ReadyEnvironment>> ready(compute::ComputeTarget* target, EnvironmentRecipe recipe, Wish wish);

 private:
  struct Waiter;
  struct Build;
  using Key = std::pair<compute::ComputeTarget*, std::string>;
  void work(const std::shared_ptr<Build>& build, const Key& key);
  void tell(Build& build, std::string_view bytes);
  bool release_canceled(const std::shared_ptr<Build>& build, const Key& key);
  void forget(const std::shared_ptr<Build>& build, const Key& key);

  BlockingPool& builders_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Build>> builds_;  // shared: by the table and the thread that works on it
};

}  // namespace werkbank::lifecycle
