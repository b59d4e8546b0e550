// The records of compute targets that users made. Part of Reader and Transaction (store/store.hh), under the same contract;
// tests/contract/store_targets.cc runs it against every store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/compute_target.hh"

namespace werkbank::store {

class TargetReader {
 public:
  virtual ~TargetReader() = default;
  virtual Result<std::optional<ComputeTargetRecord>> target(const std::string& workspace, const std::string& name) = 0;
  virtual Result<std::vector<ComputeTargetRecord>> targets(const std::string& workspace) = 0;  // by name; "": of all workspaces
};

class TargetWriter {
 public:
  virtual ~TargetWriter() = default;
  virtual Status put_target(const ComputeTargetRecord& record) = 0;  // inserts or replaces; workspace_not_found
  virtual Status delete_target(const std::string& workspace, const std::string& name) = 0;  // not_found
};

}  // namespace werkbank::store
