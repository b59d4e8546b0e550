// The logs that are being written or were lately, each with its file.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "content/directory/log_file.hh"
#include "content/log_store.hh"

namespace werkbank::content {

struct Stream {
  explicit Stream(LogKey stream_key) : key(std::move(stream_key)) {}
  const LogKey key;
  std::mutex mutex;             // guards what follows; taken after the store's
  bool is_opened = false;       // `file` tells what is on the disk
  std::optional<LogFile> file;  // set once, then never moved: readers use it without the lock
  uint64_t durable = 0;
  bool is_name_new = false;  // the folder has to be synced, too
  bool is_removed = false;   // the run was removed: look it up again
  bool is_broken = false;    // not synced, and not cut back or kept by the journal: nothing more is taken
};

// Shared: the table, callers and the flusher use a stream at the same time, and the table forgets it at will.
using StreamPointer = std::shared_ptr<Stream>;

// The streams in use, and the least recently used idle ones up to a number.
class StreamTable {
 public:
  explicit StreamTable(size_t idle_max) : idle_max_(idle_max) {}

  StreamPointer acquire(const LogKey& key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return *found->second;
    }
    recent_.push_front(std::make_shared<Stream>(key));
    by_key_.emplace(key, recent_.begin());
    StreamPointer stream = recent_.front();
    evict();
    return stream;
  }
  StreamPointer find(const LogKey& key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : *found->second;
  }
  std::vector<StreamPointer> take_run(const RunKey& run) {
    std::vector<StreamPointer> taken;
    for (auto it = by_key_.lower_bound(LogKey{run, INT64_MIN, INT64_MIN, ""}); it != by_key_.end() && it->first.run == run;) {
      taken.push_back(*it->second);
      recent_.erase(it->second);
      it = by_key_.erase(it);
    }
    return taken;
  }

 private:
  void evict() {
    for (auto it = std::prev(recent_.end()); by_key_.size() > idle_max_ && it != recent_.begin();) {
      const auto candidate = it--;
      // Only the table holds it: nobody writes, and everything written was synced.
      if (candidate->use_count() != 1 || (*candidate)->is_broken) continue;
      by_key_.erase((*candidate)->key);
      recent_.erase(candidate);
    }
  }

  const size_t idle_max_;
  std::list<StreamPointer> recent_;
  std::map<LogKey, std::list<StreamPointer>::iterator> by_key_;
};

}  // namespace werkbank::content
