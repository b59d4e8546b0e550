// What a server does by itself once a day: collects garbage and keeps a copy of its records. Also on request, one at a time.
// Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "lifecycle/garbage.hh"

namespace werkbank::lifecycle {

struct HousekeepingConfig {
  std::filesystem::path backup_folder;    // empty: no copies
  int64_t backups_kept = 3;               // 0: no copies
  int64_t events_kept_days = 30;          // how long live streams can be resumed
  int64_t keys_kept_days = 7;             // how long a repeated submission is recognised
  std::chrono::seconds every{24 * 3600};  // counted across restarts
  std::chrono::seconds first_look{60};    // after the start: a server that lives shortly is not slowed down
  std::chrono::seconds look_again{600};   // whether it is time
};

class Housekeeping {
 public:
  Housekeeping(Services& services, Holdings& holdings, HousekeepingConfig config);
  ~Housekeeping();  // stop()

  void start();
  void stop();

  // run_state_conflict where one is under way.
  Task<Result<Garbage>> collect(bool dry_run, bool empty_trash);
  Task<Status> remove_workspace(std::string name);  // workspace_removal.hh; copies of the records that hold it go, too
  // A new copy of the records; older ones go but for `kept`. Blocks. Nothing where the disk would be too full for it.
  Status back_up(int64_t kept);

 private:
  void work();
  Status do_daily();
  Result<bool> is_due();
  Task<Status> note_done();

  Services& services_;
  Holdings& holdings_;
  const HousekeepingConfig config_;
  std::atomic<bool> is_collecting_{false};
  std::mutex backup_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace werkbank::lifecycle
