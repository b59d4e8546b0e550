// Which blobs a workspace has proved to hold, by bringing their bytes. Blobs are stored once for all workspaces; who only knows a
// hash gets neither the bytes nor the saving of an upload. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/hash.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

class Holdings {
 public:
  explicit Holdings(store::Store& store);
  ~Holdings();

  // In the order given. Reads the store for what was not asked for lately.
  Result<std::vector<Hash>> not_held(const std::string& workspace, const std::vector<Hash>& hashes);
  Result<bool> holds(const std::string& workspace, const Hash& hash);
  // The workspace has brought these. Put down by settle(), or with whatever first names them (Transaction::hold_blobs): what is
  // forgotten by a crash in between has to be brought once more. A server that stops in order settles before it closes the store.
  Task<Status> hold(std::string workspace, std::vector<Hash> hashes);
  // Puts down what was brought so far. `workspace` "": of all.
  Task<Status> settle(std::string workspace);
  // What settle() would put down; for those who do it in a transaction of their own.
  std::vector<Hash> unsettled(const std::string& workspace);
  void settled(const std::string& workspace, const std::vector<Hash>& hashes);
  // After these blobs have gone from the store; what else was brought and is not put down yet stays.
  void forget_blobs(const std::vector<Hash>& gone);
  // After the workspace has gone.
  void forget_workspace(const std::string& workspace);

 private:
  void forget_read();

  struct Cache;
  store::Store& store_;
  std::mutex mutex_;
  std::unique_ptr<Cache> cache_;
  std::map<std::string, std::set<Hash>> unsettled_;
  size_t unsettled_count_ = 0;
  uint64_t forgotten_ = 0;
};

}  // namespace werkbank::lifecycle
