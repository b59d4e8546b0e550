// Models over the memory store's tables.
#pragma once

#include "store/memory/memory_tables.hh"
#include "store/models.hh"

namespace werkbank::store::memory {

class MemoryModels final : public ModelWriter {
 public:
  MemoryModels(Tables& tables, Undo& undo) : tables_(tables), undo_(undo) {}

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

  void remove_workspace(const std::string& name);

 private:
  Tables& tables_;
  Undo& undo_;
};

}  // namespace werkbank::store::memory
