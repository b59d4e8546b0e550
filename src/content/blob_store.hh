// Content-addressed blobs, shared by snapshots, outputs and models.
//
// Contract (tests/contract/blob_store.cc): a blob is there whole and durable, or not at all. Putting what is there is cheap and
// succeeds. A size or hash that does not match is refused (hash_mismatch) and leaves nothing. Thread-safe; writers and batches
// are each used by one thread at a time, and are ended before close().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/hash.hh"
#include "base/result.hh"
#include "domain/snapshot.hh"

namespace werkbank::content {

// A blob on its way in. Abandoned when destroyed without finish().
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  // Durable when it returns. With `expected`, another hash is hash_mismatch.
  virtual Result<Hash> finish(std::optional<Hash> expected) = 0;
};

// Many small blobs at once: their way to the disk is shared. What was put is there after commit(), all of it; before, and when
// the batch is destroyed without it, nothing is.
class BlobBatch {
 public:
  virtual ~BlobBatch() = default;
  virtual Status put(const Hash& expected, std::string_view bytes) = 0;  // hash_mismatch
  virtual Status commit() = 0;
};

// A store may note a blob's uses as coarsely as this, and who was told that a blob is there may rely on it for as long again
// before asking anew. The least grace of a collect() among live clients leaves another 16 hours for an upload that goes on
// meanwhile.
inline constexpr int64_t kUseSeconds = 4 * 3600;
inline constexpr int64_t kGraceMs = 24 * 3'600'000;

struct FreedBlobs {
  std::vector<Hash> hashes;
  uint64_t size_bytes = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // The size of each blob, in the order given; nothing for one that is not there. What is named here counts as used now,
  // give or take kUseSeconds: it is younger than that for collect().
  virtual Result<std::vector<std::optional<uint64_t>>> sizes(const std::vector<Hash>& hashes) = 0;
  Result<std::vector<Hash>> missing(const std::vector<Hash>& hashes);  // in the order given, each once
  virtual Result<std::unique_ptr<BlobWriter>> create() = 0;
  virtual Result<std::unique_ptr<BlobBatch>> create_batch() = 0;
  virtual Result<uint64_t> size(const Hash& hash) = 0;  // blob_not_found
  virtual Result<std::string> read(const Hash& hash, uint64_t offset, uint64_t size_max) = 0;
  // The folder that a reader on this machine can take blobs from directly (see blob_path), or nothing.
  virtual std::optional<std::filesystem::path> local_folder() const = 0;
  // Frees blobs that no root names and that are older than the grace time. With dry_run it only counts.
  virtual Result<FreedBlobs> collect(const std::function<bool(const Hash&)>& is_reachable, int64_t grace_ms, bool dry_run) = 0;
  // How many calls of collect() and remove() may have removed blobs so far, since the store was opened.
  virtual uint64_t collections() const = 0;
  // Frees the blobs that `choose` names, whatever their age, but for those that are put or named in sizes() from before `choose`
  // is called until they go.
  virtual Result<FreedBlobs> remove(const std::function<Result<std::vector<Hash>>()>& choose) = 0;
  virtual void close() = 0;
};

// Where a blob lies below local_folder(); the file holds the plain bytes, mode 0400.
using werkbank::blob_path;

// put whole bytes at once
Result<Hash> put_blob(BlobStore& store, std::string_view bytes);

}  // namespace werkbank::content
