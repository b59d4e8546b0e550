#include "content/snapshot_store.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.hh"
#include "domain/snapshot_changes.hh"

namespace werkbank::content {
namespace {

std::unexpected<Error> no_such_snapshot(const Hash& id) {
  return fail(errors::snapshot_not_found, fmt::format("no snapshot {}", id.hex()));
}

// The named blobs with another size than told are snapshot_refused; answers those that are not there, or not held, sorted, each
// once.
Result<std::vector<Hash>> find_missing(BlobStore& store, const std::vector<SnapshotEntry>& entries,
                                       const NotHeld& not_held = {}) {
  std::vector<Hash> hashes;
  hashes.reserve(entries.size());
  for (const SnapshotEntry& entry : entries) hashes.push_back(entry.hash);
  TRY(const auto sizes, store.sizes(hashes));
  std::vector<Hash> missing;
  if (not_held) {
    TRY(missing, not_held(hashes));
    std::ranges::sort(missing);
  }
  const std::vector<Hash> unproved = missing;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const SnapshotEntry& entry = entries[i];
    if (std::ranges::binary_search(unproved, entry.hash)) continue;  // nothing is told about what the sender does not have
    if (!sizes[i]) {
      missing.push_back(entry.hash);
    } else if (*sizes[i] != entry.size_bytes) {
      return fail(errors::snapshot_refused,
                  fmt::format("{:?} is said to have {} bytes, its content {} has {}", escape_snapshot_path(entry.path),
                              entry.size_bytes, entry.hash.hex(), *sizes[i]),
                  "Take a new snapshot of the folder.");
    }
  }
  std::ranges::sort(missing);
  const auto repeated = std::ranges::unique(missing);
  missing.erase(repeated.begin(), repeated.end());
  return missing;
}

CheckedSnapshots::Check begin_check(const BlobStore& store) {
  return {.checked_s = system_clock().utc_now_ms() / 1000, .collections = store.collections()};
}

// The text of a stored snapshot that is in order, and the check that tells so.
struct CheckedBase {
  std::string text;
  CheckedSnapshots::Check check;
};
Result<CheckedBase> get_base(BlobStore& store, CheckedSnapshots& checked, const Hash& id) {
  if (const auto known = checked.find(id, store)) {
    const auto size = store.size(id);
    if (!size) return no_such_snapshot(id);
    TRY(std::string text, store.read(id, 0, *size));
    return CheckedBase{std::move(text), *known};
  }
  CheckedBase base{.check = begin_check(store)};
  TRY(base.text, get_manifest_text(store, id));
  const auto manifest = SnapshotManifest::parse(base.text);
  if (!manifest) return no_such_snapshot(id);
  const auto missing = find_missing(store, manifest->entries);
  if (!missing || !missing->empty()) return no_such_snapshot(id);
  base.check.total_bytes = manifest->total_bytes();
  checked.remember(id, base.check);
  return base;
}

Status refuse_size(size_t size_bytes) {
  if (size_bytes <= kManifestBytesMax) return {};
  return fail(errors::too_large, fmt::format("the manifest has {} bytes, {} are taken", size_bytes, kManifestBytesMax),
              "Exclude folders that the run does not need in .amlignore.");
}

}  // namespace

void CheckedSnapshots::remember(const Hash& id, const Check& check) {
  const std::lock_guard lock(mutex_);
  checks_[id] = check;
  if (checks_.size() <= kCountMax) return;
  checks_.erase(std::ranges::min_element(checks_, {}, [](const auto& entry) { return entry.second.checked_s; }));
}

std::optional<CheckedSnapshots::Check> CheckedSnapshots::find(const Hash& id, BlobStore& store) const {
  const std::lock_guard lock(mutex_);
  const auto found = checks_.find(id);
  if (found == checks_.end()) return std::nullopt;
  const int64_t now_s = system_clock().utc_now_ms() / 1000;
  const Check& check = found->second;
  // A clock that went back says nothing about age.
  if (now_s < check.checked_s || now_s - check.checked_s >= kUseSeconds) return std::nullopt;
  if (check.collections != store.collections()) return std::nullopt;
  return check;
}

Result<PutManifest> put_manifest(BlobStore& store, CheckedSnapshots& checked, std::string_view text, const NotHeld& not_held) {
  CHECK_OK(refuse_size(text.size()));
  CheckedSnapshots::Check check = begin_check(store);
  TRY(const SnapshotManifest manifest, SnapshotManifest::parse(text));
  PutManifest answer;
  answer.id = Hash::of(text);
  TRY(answer.missing, find_missing(store, manifest.entries, not_held));
  if (!answer.missing.empty()) return answer;
  TRY(const auto stored, store.sizes({answer.id}));
  if (!stored[0]) {
    TRY(auto writer, store.create());
    CHECK_OK(writer->append(text));
    CHECK_OK(writer->finish(answer.id));
  }
  check.total_bytes = manifest.total_bytes();
  checked.remember(answer.id, check);
  return answer;
}

Result<PutManifest> put_changes(BlobStore& store, CheckedSnapshots& checked, const Hash& base_id, std::string_view text,
                                const NotHeld& not_held) {
  TRY(const SnapshotChanges changes, SnapshotChanges::parse(text));
  TRY(const CheckedBase base, get_base(store, checked, base_id));
  PutManifest answer{.id = base_id};
  if (changes.put.empty() && changes.removed.empty()) {
    TRY(const auto stored, store.sizes({base_id}));  // counts as used now
    if (!stored[0]) return no_such_snapshot(base_id);
    return answer;
  }
  TRY(const ChangedManifest changed, apply_changes(base.text, changes));
  CHECK_OK(refuse_size(changed.text.size()));
  CheckedSnapshots::Check check = base.check;
  check.total_bytes -= std::min(changed.bytes_gone, check.total_bytes);
  if (changed.bytes_put > kSnapshotBytesMax - std::min(check.total_bytes, kSnapshotBytesMax)) {
    return fail(errors::snapshot_refused, "the changes make the total size overflow");
  }
  check.total_bytes += changed.bytes_put;
  TRY(answer.missing, find_missing(store, changes.put, not_held));
  if (!answer.missing.empty()) {
    answer.id = Hash::of(changed.text);
    return answer;
  }
  // One that is there already is recognized when it is written: its hash is only known then.
  TRY(auto writer, store.create());
  CHECK_OK(writer->append(changed.text));
  TRY(answer.id, writer->finish(std::nullopt));
  checked.remember(answer.id, check);
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
