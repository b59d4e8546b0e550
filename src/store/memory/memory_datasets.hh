// Datasets over the memory store's tables.
#pragma once

#include "store/datasets.hh"
#include "store/memory/memory_tables.hh"

namespace werkbank::store::memory {

class MemoryDatasets final : public DatasetWriter {
 public:
  MemoryDatasets(Tables& tables, Undo& undo) : tables_(tables), undo_(undo) {}

  Result<std::optional<Dataset>> saved(const std::string& workspace, const std::string& id) override;
  Result<std::optional<DatasetVersion>> find(const DatasetKey& key) override;
  Result<std::optional<DatasetVersion>> find_by_id(const std::string& workspace, const std::string& id) override;
  Result<Page<DatasetVersion>> list(const DatasetQuery& query) override;
  Result<Page<DatasetUse>> uses(const DatasetUseQuery& query) override;
  Result<std::vector<RunKey>> unfinished_readers(const std::string& workspace, const std::string& id) override;
  Result<std::vector<Hash>> content_roots(const std::string& except) override;
  Result<Dataset> save(const Dataset& dataset) override;
  Result<DatasetVersion> register_version(DatasetVersion version) override;
  Status update(DatasetVersion& version) override;
  Status remove(const DatasetKey& key) override;
  Status note_use(const DatasetUse& use) override;

  void remove_workspace(const std::string& name);
  void remove_run(const RunKey& key);

 private:
  Tables& tables_;
  Undo& undo_;
};

}  // namespace werkbank::store::memory
