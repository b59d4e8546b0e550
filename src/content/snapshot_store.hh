// Snapshots in a blob store: a snapshot is its manifest, stored as a blob whose hash is the snapshot's id.
// Blocking, as the blob store is. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "content/blob_store.hh"
#include "domain/snapshot.hh"

namespace werkbank::content {

// The size up to which a manifest is taken: some two million files.
inline constexpr size_t kManifestBytesMax = size_t{256} << 20;

struct PutManifest {
  Hash id;
  std::vector<Hash> missing;  // empty: the snapshot is stored, durably
};
// Checks the text whole (snapshot_refused) and stores it when all its blobs are there with the sizes it tells.
Result<PutManifest> put_manifest(BlobStore& store, std::string_view text);

// The manifest of a stored snapshot: snapshot_not_found; store_corrupt where its bytes are not those of the id.
Result<std::string> get_manifest_text(BlobStore& store, const Hash& id);
Result<SnapshotManifest> get_manifest(BlobStore& store, const Hash& id);

// One file of a stored snapshot, without reading the whole manifest: snapshot_not_found, not_found.
Result<SnapshotEntry> find_snapshot_file(BlobStore& store, const Hash& id, std::string_view path);

}  // namespace werkbank::content
