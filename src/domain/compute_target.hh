// A compute target that users made: a record of a workspace. What its settings mean is known to its kind alone (compute/).
#pragma once

#include <string>

#include "base/clock.hh"
#include "base/json.hh"
#include "domain/run.hh"

namespace werkbank {

struct ComputeTargetRecord {
  std::string workspace;
  std::string name;  // unique in the workspace; check_target_name()
  std::string kind;  // "AmlCompute"
  std::string id;    // random hex: a later target of the same name is another one
  std::string description;
  TextMap tags;
  json::object settings;  // of its kind, whole and checked
  std::string created_by;
  UtcMs created_ms = 0, modified_ms = 0;
};

// As stored, and as it is shown; the state of a target is added by the layer that can ask it.
json::object to_json(const ComputeTargetRecord& record);
Result<ComputeTargetRecord> compute_target_from_json(const json::value& value);

}  // namespace werkbank
