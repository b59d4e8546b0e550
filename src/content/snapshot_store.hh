// Snapshots in a blob store: a snapshot is its manifest, stored as a blob whose hash is the snapshot's id.
// Blocking, as the blob store is. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/blob_store.hh"
#include "domain/snapshot.hh"

namespace werkbank::content {

// The size up to which a manifest is taken: some two million files.
inline constexpr size_t kManifestBytesMax = size_t{256} << 20;

// Remembers which stored snapshots were found to be in order, each with all its blobs, a short while ago: what differs from one
// of them in a few files needs a check of these only. A table of fixed size; forgetting only costs a check. Thread-safe.
class CheckedSnapshots {
 public:
  struct Check {
    int64_t checked_s = 0;  // the blobs were named (BlobStore::sizes) at this time, or later
    uint64_t total_bytes = 0;
    uint64_t collections = 0;  // BlobStore::collections() before the check
  };
  void remember(const Hash& id, const Check& check);
  // Nothing where the check is too old for its blobs to count as used now, or where blobs were removed since.
  std::optional<Check> find(const Hash& id, BlobStore& store) const;

 private:
  static constexpr size_t kCountMax = 256;
  mutable std::mutex mutex_;
  std::map<Hash, Check> checks_;
};

struct PutManifest {
  Hash id;
  std::vector<Hash> missing;  // empty: the snapshot is stored, durably
};
// Which of these blobs the sender has yet to bring, although they may be there.
using NotHeld = std::function<Result<std::vector<Hash>>(const std::vector<Hash>&)>;
// Checks the text whole (snapshot_refused) and stores it when all its blobs are there with the sizes it tells.
Result<PutManifest> put_manifest(BlobStore& store, CheckedSnapshots& checked, std::string_view text,
                                 const NotHeld& not_held = {});
// The same for what stored snapshot `base`, which the sender has, becomes by the changes in `text` (domain/snapshot_changes.hh).
// snapshot_not_found where the base is not there any more, or not whole: send the manifest then.
Result<PutManifest> put_changes(BlobStore& store, CheckedSnapshots& checked, const Hash& base, std::string_view text,
                                const NotHeld& not_held = {});

// The manifest of a stored snapshot: snapshot_not_found; store_corrupt where its bytes are not those of the id.
Result<std::string> get_manifest_text(BlobStore& store, const Hash& id);
Result<SnapshotManifest> get_manifest(BlobStore& store, const Hash& id);

// One file of a stored snapshot, without reading the whole manifest: snapshot_not_found, not_found.
Result<SnapshotEntry> find_snapshot_file(BlobStore& store, const Hash& id, std::string_view path);

}  // namespace werkbank::content
