// Who holds which run, in memory: the fencing of what runners send, and when each was last heard of. Rebuilt from the store on
// demand.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <vector>

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

class Leases {
 public:
  explicit Leases(Services& services) : services_(services) {}

  // lease_lost where the attempt or lease is not the run's current one; run_not_found. A success counts as the rank's sign of
  // life.
  Status check(const RunKey& run, int64_t attempt, const std::string& lease, int64_t rank = 0);
  // A new attempt begins, or a rank of it: heard of now.
  void expect(const RunKey& run, int64_t attempt, const std::string& lease, int64_t rank = 0);
  void forget(const RunKey& run);
  void forget_rank(const RunKey& run, int64_t rank);  // it has ended, the others go on
  // How often the rank's runner was looked after since it was last heard of, this time included.
  int64_t count_recovery(const RunKey& run, int64_t rank);
  // Not known, or reported by lapsed() and not heard of since.
  bool is_silent(const RunKey& run, int64_t rank);
  // Runs with a rank that was not heard of for longer than `silence`, each rank reported once until it is heard of again.
  std::vector<RunKey> lapsed(std::chrono::milliseconds silence);

 private:
  struct Watch {
    std::chrono::milliseconds heard{0};
    bool reported = false;
    int64_t recoveries = 0;
  };
  struct Holder {
    int64_t attempt = 0;
    std::string lease;
    std::map<int64_t, Watch> ranks = {};
  };
  Result<Holder> load(const RunKey& run);

  Services& services_;
  std::mutex mutex_;
  std::map<RunKey, Holder> holders_;
};

}  // namespace werkbank::lifecycle
