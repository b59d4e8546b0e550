#include "content/snapshot_store.hh"

#include <fmt/format.h>

#include <algorithm>

namespace werkbank::content {
namespace {

std::unexpected<Error> no_such_snapshot(const Hash& id) {
  return fail(errors::snapshot_not_found, fmt::format("no snapshot {}", id.hex()));
}

}  // namespace

Result<PutManifest> put_manifest(BlobStore& store, std::string_view text) {
  if (text.size() > kManifestBytesMax) {
    return fail(errors::too_large, fmt::format("the manifest has {} bytes, {} are taken", text.size(), kManifestBytesMax),
                "Exclude folders that the run does not need in .amlignore.");
  }
  TRY(const SnapshotManifest manifest, SnapshotManifest::parse(text));
  PutManifest answer;
  answer.id = Hash::of(text);
  std::vector<Hash> hashes;
  hashes.reserve(manifest.entries.size());
  for (const SnapshotEntry& entry : manifest.entries) hashes.push_back(entry.hash);
  TRY(const auto sizes, store.sizes(hashes));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const SnapshotEntry& entry = manifest.entries[i];
    if (!sizes[i]) {
      answer.missing.push_back(entry.hash);
    } else if (*sizes[i] != entry.size_bytes) {
      return fail(errors::snapshot_refused,
                  fmt::format("{:?} is said to have {} bytes, its content {} has {}", escape_snapshot_path(entry.path),
                              entry.size_bytes, entry.hash.hex(), *sizes[i]),
                  "Take a new snapshot of the folder.");
    }
  }
  if (!answer.missing.empty()) {
    std::ranges::sort(answer.missing);
    const auto repeated = std::ranges::unique(answer.missing);
    answer.missing.erase(repeated.begin(), repeated.end());
    return answer;
  }
  TRY(const auto stored, store.sizes({answer.id}));
  if (!stored[0]) {
    TRY(auto writer, store.create());
    CHECK_OK(writer->append(text));
    CHECK_OK(writer->finish(answer.id));
  }
  return answer;
}

Result<std::string> get_manifest_text(BlobStore& store, const Hash& id) {
  const auto size = store.size(id);
  if (!size) return size.error().code == &errors::blob_not_found ? no_such_snapshot(id) : fail(size.error());
  if (*size > kManifestBytesMax) return no_such_snapshot(id);
  auto text = store.read(id, 0, *size);
  if (!text) return text.error().code == &errors::blob_not_found ? no_such_snapshot(id) : fail(text.error());
  if (Hash::of(*text) != id) {
    return fail(errors::store_corrupt, fmt::format("the manifest of snapshot {} does not have that hash", id.hex()),
                "The disk or somebody changed it. Submit the folder again, or restore the content store from a backup.");
  }
  return std::move(*text);
}

Result<SnapshotManifest> get_manifest(BlobStore& store, const Hash& id) {
  TRY(const std::string text, get_manifest_text(store, id));
  auto manifest = SnapshotManifest::parse(text);
  // Some other blob's hash was given: it is no snapshot.
  if (!manifest) return no_such_snapshot(id);
  return manifest;
}

Result<SnapshotEntry> find_snapshot_file(BlobStore& store, const Hash& id, std::string_view path) {
  TRY(const std::string text, get_manifest_text(store, id));
  if (!text.starts_with("werkbank-snapshot 1\n")) return no_such_snapshot(id);
  auto entry = find_in_manifest(text, path);
  if (!entry) return no_such_snapshot(id);
  if (!*entry) {
    return fail(errors::not_found, fmt::format("{:?} is not in snapshot {}", escape_snapshot_path(path), id.hex()),
                "GET the snapshot for the list of its files.");
  }
  return std::move(**entry);
}

}  // namespace werkbank::content
