// Making, changing and deleting compute targets while the server runs: the record first, then the target itself.
#pragma once

#include "lifecycle/services.hh"

namespace werkbank::lifecycle {

struct NewTarget {
  std::string workspace, name, kind, description, user;
  TextMap tags;
  json::object settings;
};
struct MadeTarget {
  ComputeTargetRecord record;
  bool is_new = true;  // false: there was one like it, whose settings were changed to these
};
// name_refused, not_supported (kind), what the kind refuses; already_exists where a target of the name is of another make.
Task<Result<MadeTarget>> make_target(Services& services, NewTarget wanted);

struct TargetChange {
  std::optional<std::string> description;
  std::optional<TextMap> tags;
  json::object settings;  // those that change
};
// target_unknown; not_supported for a target of the installation.
Task<Result<ComputeTargetRecord>> change_target(Services& services, std::string workspace, std::string name, TargetChange change);

// target_in_use while runs on it have not ended; target_unknown; not_supported for a target of the installation.
Task<Status> delete_target(Services& services, std::string workspace, std::string name);
// After a workspace has gone.
Task<Status> close_targets_of(Services& services, std::string workspace);

// target_unknown where a run is submitted to a target whose record has gone. Within the transaction that records the run.
Status check_target_of(store::Reader& reader, const TargetRegistry& targets, const std::string& workspace,
                       const std::string& name);

}  // namespace werkbank::lifecycle
