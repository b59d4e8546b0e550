// Content-addressed blobs, shared by snapshots, outputs and models.
//
// Contract (tests/contract/blob_store.cc): a blob is there whole and durable, or not at all. Putting what is there is cheap and
// succeeds. A size or hash that does not match is refused (hash_mismatch) and leaves nothing. Thread-safe.
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

namespace werkbank::content {

// A blob on its way in. Abandoned when destroyed without finish().
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status append(std::string_view bytes) = 0;
  // Durable when it returns. With `expected`, another hash is hash_mismatch.
  virtual Result<Hash> finish(std::optional<Hash> expected) = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::vector<Hash>> missing(const std::vector<Hash>& hashes) = 0;  // in the order given
  virtual Result<std::unique_ptr<BlobWriter>> create() = 0;
  virtual Result<uint64_t> size(const Hash& hash) = 0;                              // blob_not_found
  virtual Result<std::string> read(const Hash& hash, uint64_t offset, uint64_t size_max) = 0;
  // The folder that a reader on this machine can take blobs from directly (see blob_path), or nothing.
  virtual std::optional<std::filesystem::path> local_folder() const = 0;
  // Frees blobs that no root names and that are older than the grace time; answers the freed bytes. With dry_run it only counts.
  virtual Result<uint64_t> collect(const std::function<bool(const Hash&)>& is_reachable, int64_t grace_ms, bool dry_run) = 0;
  virtual void close() = 0;
};

// Where a blob lies below local_folder(): "ab/cdef…" . Shared with the runner; the file holds the plain bytes.
std::filesystem::path blob_path(const std::filesystem::path& folder, const Hash& hash);

// put whole bytes at once
Result<Hash> put_blob(BlobStore& store, std::string_view bytes);

}  // namespace werkbank::content
