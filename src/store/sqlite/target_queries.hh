// The records of compute targets over one connection.
#pragma once

#include "store/sqlite/database.hh"
#include "store/targets.hh"

namespace werkbank::store::sqlite {

class SqliteTargets final : public TargetReader, public TargetWriter {
 public:
  explicit SqliteTargets(Database& db) : db_(db) {}
  Result<std::optional<ComputeTargetRecord>> target(const std::string& workspace, const std::string& name) override;
  Result<std::vector<ComputeTargetRecord>> targets(const std::string& workspace) override;
  Status put_target(const ComputeTargetRecord& record) override;
  Status delete_target(const std::string& workspace, const std::string& name) override;

 private:
  Database& db_;
};

}  // namespace werkbank::store::sqlite
