// Where the data of a datastore lies: one class per kind of storage, in a folder of its own below data/. Data travels between the
// process that wants it and the storage itself; the server only lends what it takes to get in (DataAccess).
//
// Contract (tests/contract/data_store.cc runs it against every kind):
// * Paths are RelativePaths as text ('/' between parts). A listing is by path, whole but for what is written meanwhile, and holds
//   files only. It takes a prefix of the path as text: "a/b" finds "a/b", "a/b/c" and "a/bc".
// * A file appears whole or not at all: a write that fails leaves what was there. Kinds that can keep the blocks of a write that
//   broke off, and the same source written again sends only the others.
// * Blocking, and not thread-safe: each thread opens its own.
// * Failures: not_found (no such file), container_not_found, storage_denied, storage_unavailable (the only one worth a retry),
//   already_exists, data_changed, path_refused, disk_full, io_failed; not_supported for what the storage cannot do. No message
//   holds a credential.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/datastore.hh"

namespace werkbank::data {

struct DataEntry {
  std::string path;
  uint64_t size_bytes = 0;
  std::string etag;  // changes when the content does
  UtcMs modified_ms = 0;
};

struct DataPage {
  std::vector<DataEntry> entries;
  std::string next;  // the cursor of the next page; empty at the end
};

// What is written, read in pieces; the same bytes at every call, or data_changed.
struct DataSource {
  uint64_t size_bytes = 0;
  std::function<Result<std::string>(uint64_t offset, uint64_t size)> read;
};

// Gets pieces in order; a failure ends the reading and is its answer.
using DataSink = std::function<Status(std::string_view bytes)>;
// Told how many more bytes are safely over there.
using OnBytes = std::function<void(uint64_t count)>;

class DataStore {
 public:
  virtual ~DataStore() = default;
  // Can the place be used as it is described? Goes there. Makes the container where `create` allows it.
  virtual Status check(bool create) = 0;
  virtual Result<DataPage> list(const std::string& prefix, const std::string& cursor) = 0;
  virtual Result<DataEntry> find(const std::string& path) = 0;
  // From `offset` to the end. `etag` is the content that is meant: data_changed where it is another one by now.
  virtual Status read(const std::string& path, const std::string& etag, uint64_t offset, const DataSink& sink) = 0;
  // The same, but at most `size_bytes` of it. What is not asked for does not travel, where the kind can say so.
  virtual Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                            const DataSink& sink);
  // already_exists where a file is there and `overwrite` is not allowed.
  virtual Status write(const std::string& path, const DataSource& source, bool overwrite, const OnBytes& on_bytes) = 0;
  virtual Status remove(const std::string& path) = 0;
};

// What it takes to get at a datastore's data.
struct DataAccess {
  Datastore datastore;
  SecretMap credential;
};
// Of a datastore, whatever it is called: two names for one container have one. What is cached is known by it; nothing is secret.
std::string storage_identity(const Datastore& datastore);
// Finds nothing out: check() goes there. not_supported for kinds that are not part of this program.
using DataStoreOpener = std::function<Result<std::unique_ptr<DataStore>>(const DataAccess&)>;

// All entries below `prefix`, page after page.
Status each_entry(DataStore& store, const std::string& prefix, const std::function<Status(DataEntry)>& visit);

}  // namespace werkbank::data
