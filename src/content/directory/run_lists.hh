// Which logs a run has, without a look at the disk.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "content/log_store.hh"

namespace werkbank::content {

// Which streams the runs have that were listed lately: whoever follows a run asks again and again. Not thread-safe.
class RunLists {
 public:
  struct List {
    std::set<LogKey> keys;
    bool is_whole = false;  // false: its folder is being looked through just now
  };
  // Nothing where the run was not listed lately; then it is from now on, and what is created meanwhile is in it.
  const List* find_or_begin(const RunKey& run) {
    if (const auto found = lists_.find(run); found != lists_.end()) return &found->second;
    if (lists_.size() >= kRunsMax) lists_.clear();
    lists_.emplace(run, List{});
    return nullptr;
  }
  void complete(const RunKey& run, const std::vector<LogKey>& keys) {
    const auto found = lists_.find(run);
    if (found == lists_.end()) return;
    found->second.keys.insert(keys.begin(), keys.end());
    found->second.is_whole = true;
  }
  void add(const LogKey& key) {
    if (const auto found = lists_.find(key.run); found != lists_.end()) found->second.keys.insert(key);
  }
  void forget(const RunKey& run) { lists_.erase(run); }

 private:
  static constexpr size_t kRunsMax = 512;
  std::map<RunKey, List> lists_;
};

}  // namespace werkbank::content
