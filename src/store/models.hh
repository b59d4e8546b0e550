// The records of registered models. Reached by Reader::models() and Transaction::edit_models(); they live as long as these.
// Contract: tests/contract/store_models.cc.
// * A name's versions are numbered 1, 2, 3 … in the order of registration, by the store; a number is never given twice, also
//   not after its model was deleted.
// * A model needs its workspace (workspace_not_found). It goes with its workspace, and stays when its run goes.
// * Its content is a root of garbage collection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/model.hh"
#include "store/store.hh"

namespace werkbank::store {

// Filters; all must match. What is unset or empty matches all.
struct ModelQuery {
  std::string workspace;
  std::string name, run_id, framework, dataset_id;  // framework: in any case
  TextMap tags, properties;                         // an empty value matches any
  bool latest = false;                              // of each name only the newest version that matches
  int64_t limit = 50;                               // 1 … 1000
  std::string cursor;
};

class ModelReader {
 public:
  virtual ~ModelReader() = default;
  virtual Result<std::optional<Model>> find(const ModelKey& key) = 0;  // version 0: the newest
  virtual Result<Page<Model>> list(const ModelQuery& query) = 0;       // the last registered comes first
  virtual Result<std::vector<ModelUser>> users(const ModelKey& key) = 0;
  virtual Result<int64_t> count(const std::string& workspace) = 0;
  // The manifests of all workspaces' models but those of `except` ("": of all). May repeat some.
  virtual Result<std::vector<Hash>> content_roots(const std::string& except) = 0;
};

class ModelWriter : public ModelReader {
 public:
  virtual Result<Model> create(Model model) = 0;  // gives the version, and revision 1
  // Everything but content, origin (run) and creation; gives the new revision. model_not_found.
  virtual Status update(Model& model) = 0;
  virtual Status remove(const ModelKey& key) = 0;                            // model_not_found; model_in_use names the users
  virtual Status put_user(const ModelKey& key, const ModelUser& user) = 0;   // again: nothing changes. model_not_found
  virtual Status drop_user(const ModelKey& key, const ModelUser& user) = 0;  // not_found
};

// The same refusals in every store.
Error no_such_model(const ModelKey& key);
Error model_in_use(const ModelKey& key, const std::vector<ModelUser>& users);

// Where a model stands in a listing: the store's own order of creation. decode: 0 for an empty cursor; invalid_request.
std::string encode_model_cursor(int64_t serial);
Result<int64_t> decode_model_cursor(const std::string& cursor);

}  // namespace werkbank::store
