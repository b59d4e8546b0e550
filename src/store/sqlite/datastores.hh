// Datastores over one connection, for readers and transactions.
#pragma once

#include "store/datastores.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {

class SqliteDatastores final : public DatastoreReader, public DatastoreWriter {
 public:
  explicit SqliteDatastores(Database& db) : db_(db) {}

  Result<std::optional<DatastoreRecord>> find(const std::string& workspace, const std::string& name) override;
  Result<std::vector<DatastoreRecord>> list(const std::string& workspace) override;
  Result<std::string> default_name(const std::string& workspace) override;
  Status put(const DatastoreRecord& record) override;
  Status remove(const std::string& workspace, const std::string& name) override;
  Status choose_default(const std::string& workspace, const std::string& name) override;

 private:
  Status check_workspace(const std::string& workspace);
  Database& db_;
};

}  // namespace werkbank::store::sqlite
