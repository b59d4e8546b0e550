// The records of datastores: what was registered, the sealed credential, which one is the default.
//
// Contract (tests/contract/store_datastores.cc): names that differ in the case of letters only are one name, and keep the form
// in which they were first put. A workspace's datastores go with it. What every workspace has from the start
// (domain/datastore.hh: own_datastore) is no record.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/datastore.hh"

namespace werkbank::store {

struct DatastoreRecord {
  Datastore datastore;
  std::string sealed;  // the credential, by access/vault; empty: none
};

class DatastoreReader {
 public:
  virtual ~DatastoreReader() = default;
  virtual Result<std::optional<DatastoreRecord>> find(const std::string& workspace, const std::string& name) = 0;
  virtual Result<std::vector<DatastoreRecord>> list(const std::string& workspace) = 0;  // by name
  virtual Result<std::string> default_name(const std::string& workspace) = 0;           // "": none was chosen
};

class DatastoreWriter {
 public:
  virtual ~DatastoreWriter() = default;
  virtual Status put(const DatastoreRecord& record) = 0;  // inserts or replaces; workspace_not_found
  // datastore_not_found. Was it the default, then none is chosen any more.
  virtual Status remove(const std::string& workspace, const std::string& name) = 0;
  virtual Status choose_default(const std::string& workspace, const std::string& name) = 0;  // workspace_not_found
};

}  // namespace werkbank::store
