#include "store/memory/memory_targets.hh"

#include <fmt/format.h>

namespace werkbank::store::memory {

Result<std::optional<ComputeTargetRecord>> MemoryTargets::target(const std::string& workspace, const std::string& name) {
  const ComputeTargetRecord* const found = tables_.targets.find({workspace, name});
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<std::vector<ComputeTargetRecord>> MemoryTargets::targets(const std::string& workspace) {
  std::vector<ComputeTargetRecord> found;
  for (const auto& [key, record] : tables_.targets.rows()) {
    if (workspace.empty() || key.first == workspace) found.push_back(record);
  }
  return found;
}

Status MemoryTargets::put_target(const ComputeTargetRecord& record) {
  if (tables_.workspaces.find(record.workspace) == nullptr)
    return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", record.workspace));
  tables_.targets.put(undo_, {record.workspace, record.name}, record);
  return {};
}

Status MemoryTargets::delete_target(const std::string& workspace, const std::string& name) {
  if (tables_.targets.erase(undo_, {workspace, name})) return {};
  return fail(errors::not_found, fmt::format("compute target {:?} in workspace {:?} is not there", name, workspace));
}

}  // namespace werkbank::store::memory
