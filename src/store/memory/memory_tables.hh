// The tables of the memory store. Every change notes how to undo it, so that a write that fails leaves nothing behind.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.hh"
#include "domain/compute_target.hh"
#include "store/datasets.hh"
#include "store/datastores.hh"
#include "store/environments.hh"
#include "store/models.hh"
#include "store/store.hh"

namespace werkbank::store::memory {

using Undo = std::vector<std::function<void()>>;  // run from the last to the first

template <typename Key, typename Value>
class Table {
 public:
  const Value* find(const Key& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  void put(Undo& undo, const Key& key, Value value) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
      undo.push_back([this, key] { rows_.erase(key); });
      rows_.emplace(key, std::move(value));
    } else {
      undo.push_back([this, key, old = std::exchange(found->second, std::move(value))] { rows_[key] = old; });
    }
  }
  bool erase(Undo& undo, const Key& key) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return false;
    undo.push_back([this, key, old = std::move(found->second)] { rows_.emplace(key, old); });
    rows_.erase(found);
    return true;
  }
  template <typename Predicate>
  void erase_where(Undo& undo, Predicate predicate) {
    std::vector<Key> keys;
    for (const auto& [key, value] : rows_) {
      if (predicate(key, value)) keys.push_back(key);
    }
    for (const Key& key : keys) erase(undo, key);
  }
  const std::map<Key, Value>& rows() const { return rows_; }

 private:
  std::map<Key, Value> rows_;
};

struct StoredRun {
  Run run;
  int64_t serial = 0;  // order of creation in the store
  std::optional<RunSpec> spec;
  std::optional<GitFacts> git;
};

struct StoredModel {
  Model model;
  int64_t serial = 0;  // order of creation in the store
};

using Names = std::pair<std::string, std::string>;  // workspace, name

struct Tables {
  Table<std::string, Workspace> workspaces;
  Table<int64_t, Experiment> experiments;
  Table<int64_t, int64_t> runs_created;  // per experiment
  Table<RunKey, StoredRun> runs;
  Table<std::pair<RunKey, int64_t>, Attempt> attempts;
  Table<std::pair<RunKey, std::string>, Artifact> artifacts;
  Table<int64_t, RunEvent> events;
  Table<Names, IdempotencyRecord> idempotency;
  Table<std::pair<Names, int64_t>, EnvironmentVersion> environments;
  Table<std::pair<Names, std::string>, int64_t> environment_labels;  // label → number
  Table<std::string, TokenRecord> tokens;
  Table<Names, MemberRecord> members;
  Table<Names, SecretRecord> secrets;
  Table<std::string, std::string> settings;
  Table<Names, ComputeTargetRecord> targets;
  Table<std::pair<Hash, std::string>, bool> held_blobs;  // and the workspace that holds it
  Table<std::pair<std::string, Hash>, UtcMs> snapshots;  // workspace, id → last use
  Table<ModelKey, StoredModel> models;
  Table<Names, int64_t> model_versions;  // the last one given
  Table<std::pair<ModelKey, ModelUser>, bool> model_users;
  int64_t last_model = 0;
  Table<Names, DatastoreRecord> datastores;            // workspace, name in lower case
  Table<std::string, std::string> default_datastores;  // workspace → name
  Table<Names, Dataset> datasets;                      // workspace, id
  Table<DatasetKey, DatasetVersion> dataset_versions;
  Table<Names, int64_t> dataset_names;      // the last version that was given
  Table<DatasetUse, int64_t> dataset_uses;  // in the order of this number
  int64_t last_dataset_use = 0;
  int64_t last_experiment = 0, last_serial = 0, last_event = 0;
};

}  // namespace werkbank::store::memory
