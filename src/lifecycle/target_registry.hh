// The compute targets by name: those of the installation (main/targets.cc), which are in every workspace, and those that users
// made, each in its workspace. Thread-safe. What is answered lives as long as the registry: steps under way may hold a target
// that was deleted meanwhile.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compute/target_kind.hh"
#include "store/store.hh"

namespace werkbank::lifecycle {

class TargetRegistry {
 public:
  struct Entry {
    std::string workspace;  // empty: of the installation
    std::string name;
    compute::ComputeTarget* target = nullptr;
    compute::ManagedTarget* managed = nullptr;  // null: of the installation
  };

  // -- wiring, before the server answers
  void add(std::string name, std::unique_ptr<compute::ComputeTarget> target);
  void add_kind(std::unique_ptr<compute::TargetKind> kind);
  // Who is told by targets with a record, those opened later included.
  void watch(compute::TargetEvents events);
  // Opens all records of the store; one that cannot be is logged, and its runs are told that the target does not answer.
  Status open_all(store::Store& store);
  // Ends the targets' own threads: nobody is told anything any more.
  void stop();

  // target_unknown naming the nearest one of the workspace.
  Result<compute::ComputeTarget*> find(const std::string& workspace, const std::string& name) const;
  compute::ManagedTarget* find_managed(const std::string& workspace, const std::string& name) const;  // null: there is none
  bool is_of_installation(const std::string& name) const { return own_.contains(name); }
  // What distinguishes targets of one name in different workspaces.
  std::string key(const std::string& workspace, const std::string& name) const;
  std::vector<Entry> list(const std::string& workspace) const;  // the installation's and the workspace's; "*": of all
  // invalid_request naming the kinds there are; v1's names in any case.
  Result<const compute::TargetKind*> kind(const std::string& name) const;

  // Makes the record's target, or hands it the changed record.
  Status open(const ComputeTargetRecord& record);
  // It is not found any more; null where there is none. The caller closes it.
  compute::ManagedTarget* retire(const std::string& workspace, const std::string& name);

 private:
  using Key = std::pair<std::string, std::string>;  // workspace, name
  std::map<std::string, std::unique_ptr<compute::ComputeTarget>> own_;
  std::vector<std::unique_ptr<compute::TargetKind>> kinds_;
  mutable std::mutex mutex_;
  compute::TargetEvents events_;
  std::map<Key, std::unique_ptr<compute::ManagedTarget>> managed_;
  std::vector<std::unique_ptr<compute::ManagedTarget>> retired_;
};

}  // namespace werkbank::lifecycle
