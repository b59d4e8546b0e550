// Datasets over one connection.
#pragma once

#include "store/datasets.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {

class SqliteDatasets final : public DatasetWriter {
 public:
  explicit SqliteDatasets(Database& db) : db_(db) {}

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

 private:
  Database& db_;
};

}  // namespace werkbank::store::sqlite
