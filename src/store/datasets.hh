// The records of datasets: what was saved (by id), what was registered (name and version), and which runs read or made which.
// Reached by Reader::datasets() and Transaction::edit_datasets(); they live as long as these.
// Contract: tests/contract/store_datasets.cc.
// * A saved dataset never changes; saving it again answers what is there.
// * A name's versions are numbered 1, 2, 3 … by the store; a number is never given twice, also not after it was deleted.
// * All needs its workspace (workspace_not_found) and goes with it. A use goes with its run; datasets stay.
// * The documents of saved datasets are roots of garbage collection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/dataset.hh"
#include "store/store.hh"

namespace werkbank::store {

// Filters on registered versions; all must match. What is unset or empty matches all.
struct DatasetQuery {
  std::string workspace;
  std::string name;  // given: all versions of it; else the newest of each name
  std::optional<DatasetKind> kind;
  TextMap tags;        // an empty value matches any
  int64_t limit = 50;  // 1 … 1000
  std::string cursor;
};

struct DatasetUseQuery {
  std::string workspace;
  std::string run_id, dataset_id;  // at least one is given
  int64_t limit = 50;              // 1 … 1000
  std::string cursor;
};

class DatasetReader {
 public:
  virtual ~DatasetReader() = default;
  virtual Result<std::optional<Dataset>> saved(const std::string& workspace, const std::string& id) = 0;
  virtual Result<std::optional<DatasetVersion>> find(const DatasetKey& key) = 0;  // version 0: the newest
  // The newest registered version that is this dataset.
  virtual Result<std::optional<DatasetVersion>> find_by_id(const std::string& workspace, const std::string& id) = 0;
  virtual Result<Page<DatasetVersion>> list(const DatasetQuery& query) = 0;  // by name; of one name the newest first
  virtual Result<Page<DatasetUse>> uses(const DatasetUseQuery& query) = 0;   // in the order they were noted
  // The runs that have not ended and use the dataset as input.
  virtual Result<std::vector<RunKey>> unfinished_readers(const std::string& workspace, const std::string& id) = 0;
  // The documents of all workspaces' datasets but those of `except` ("": of all). May repeat some.
  virtual Result<std::vector<Hash>> content_roots(const std::string& except) = 0;
};

class DatasetWriter : public DatasetReader {
 public:
  virtual Result<Dataset> save(const Dataset& dataset) = 0;
  // Of a saved dataset: gives the version, and revision 1. dataset_not_found.
  virtual Result<DatasetVersion> register_version(DatasetVersion version) = 0;
  virtual Status update(DatasetVersion& version) = 0;  // description and tags; gives the new revision. dataset_not_found
  virtual Status remove(const DatasetKey& key) = 0;    // version 0: all of the name. dataset_not_found
  virtual Status note_use(const DatasetUse& use) = 0;  // again: nothing changes. run_not_found, dataset_not_found
};

// The same refusals in every store.
Error no_such_dataset(const DatasetKey& key);
Error no_such_dataset(const std::string& workspace, const std::string& id);

}  // namespace werkbank::store
