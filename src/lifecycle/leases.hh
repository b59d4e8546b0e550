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

  // lease_lost where the attempt or lease is not the run's current one; run_not_found. A success counts as a sign of life.
  Status check(const RunKey& run, int64_t attempt, const std::string& lease);
  void expect(const RunKey& run, int64_t attempt, const std::string& lease);  // a new attempt begins: heard of now
  void forget(const RunKey& run);
  // Runs not heard of for longer than `silence`, each reported once until it is heard of again.
  // How often the runner was looked after since it was last heard of, this time included.
  int64_t count_recovery(const RunKey& run);
  std::vector<RunKey> lapsed(std::chrono::milliseconds silence);

 private:
  struct Holder {
    int64_t attempt = 0;
    std::string lease;
    std::chrono::milliseconds heard{0};
    bool reported = false;
    int64_t recoveries = 0;
  };
  Result<Holder> load(const RunKey& run);

  Services& services_;
  std::mutex mutex_;
  std::map<RunKey, Holder> holders_;
};

}  // namespace werkbank::lifecycle
