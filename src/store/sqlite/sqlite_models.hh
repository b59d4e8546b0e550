// Models over one connection.
#pragma once

#include "store/models.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {

class SqliteModels final : public ModelWriter {
 public:
  explicit SqliteModels(Database& db) : db_(db) {}

  Result<std::optional<Model>> find(const ModelKey& key) override;
  Result<Page<Model>> list(const ModelQuery& query) override;
  Result<std::vector<ModelUser>> users(const ModelKey& key) override;
  Result<int64_t> count(const std::string& workspace) override;
  Result<std::vector<Hash>> content_roots(const std::string& except) override;
  Result<Model> create(Model model) override;
  Status update(Model& model) override;
  Status remove(const ModelKey& key) override;
  Status put_user(const ModelKey& key, const ModelUser& user) override;
  Status drop_user(const ModelKey& key, const ModelUser& user) override;

 private:
  Database& db_;
};

}  // namespace werkbank::store::sqlite
