// The records of compute targets in the memory store's tables.
#pragma once

#include "store/memory/memory_tables.hh"
#include "store/targets.hh"

namespace werkbank::store::memory {

class MemoryTargets final : public TargetReader, public TargetWriter {
 public:
  MemoryTargets(Tables& tables, Undo& undo) : tables_(tables), undo_(undo) {}
  Result<std::optional<ComputeTargetRecord>> target(const std::string& workspace, const std::string& name) override;
  Result<std::vector<ComputeTargetRecord>> targets(const std::string& workspace) override;
  Status put_target(const ComputeTargetRecord& record) override;
  Status delete_target(const std::string& workspace, const std::string& name) override;

 private:
  Tables& tables_;
  Undo& undo_;
};

}  // namespace werkbank::store::memory
