#include "store/memory/memory_datastores.hh"

#include <fmt/format.h>

namespace werkbank::store::memory {

Result<std::optional<DatastoreRecord>> MemoryDatastores::find(const std::string& workspace, const std::string& name) {
  const DatastoreRecord* const found = tables_.datastores.find({workspace, datastore_name_key(name)});
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<std::vector<DatastoreRecord>> MemoryDatastores::list(const std::string& workspace) {
  std::vector<DatastoreRecord> records;
  for (const auto& [key, record] : tables_.datastores.rows()) {
    if (key.first == workspace) records.push_back(record);
  }
  return records;
}

Result<std::string> MemoryDatastores::default_name(const std::string& workspace) {
  const std::string* const found = tables_.default_datastores.find(workspace);
  return found == nullptr ? std::string() : *found;
}

Status MemoryDatastores::check_workspace(const std::string& workspace) const {
  if (tables_.workspaces.find(workspace) != nullptr) return {};
  return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", workspace));
}

Status MemoryDatastores::put(const DatastoreRecord& record) {
  const Datastore& datastore = record.datastore;
  CHECK_OK(check_workspace(datastore.workspace));
  const Names key{datastore.workspace, datastore_name_key(datastore.name)};
  DatastoreRecord stored = record;
  if (const DatastoreRecord* const known = tables_.datastores.find(key)) stored.datastore.name = known->datastore.name;
  tables_.datastores.put(undo_, key, std::move(stored));
  return {};
}

Status MemoryDatastores::remove(const std::string& workspace, const std::string& name) {
  const std::string key = datastore_name_key(name);
  if (!tables_.datastores.erase(undo_, {workspace, key}))
    return fail(errors::datastore_not_found, fmt::format("there is no datastore {:?} in workspace {:?}", name, workspace));
  const std::string* const chosen = tables_.default_datastores.find(workspace);
  if (chosen != nullptr && datastore_name_key(*chosen) == key) tables_.default_datastores.erase(undo_, workspace);
  return {};
}

Status MemoryDatastores::choose_default(const std::string& workspace, const std::string& name) {
  CHECK_OK(check_workspace(workspace));
  tables_.default_datastores.put(undo_, workspace, name);
  return {};
}

}  // namespace werkbank::store::memory
