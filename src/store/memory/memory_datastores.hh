// Datastores in the memory store's tables. The store holds its lock around them.
#pragma once

#include "store/datastores.hh"
#include "store/memory/memory_tables.hh"

namespace werkbank::store::memory {

class MemoryDatastores final : public DatastoreReader, public DatastoreWriter {
 public:
  MemoryDatastores(Tables& tables, Undo& undo) : tables_(tables), undo_(undo) {}

  Result<std::optional<DatastoreRecord>> find(const std::string& workspace, const std::string& name) override;
  Result<std::vector<DatastoreRecord>> list(const std::string& workspace) override;
  Result<std::string> default_name(const std::string& workspace) override;
  Status put(const DatastoreRecord& record) override;
  Status remove(const std::string& workspace, const std::string& name) override;
  Status choose_default(const std::string& workspace, const std::string& name) override;

 private:
  Status check_workspace(const std::string& workspace) const;

  Tables& tables_;
  Undo& undo_;
};

}  // namespace werkbank::store::memory
