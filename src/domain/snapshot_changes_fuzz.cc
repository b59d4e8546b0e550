// A list of changes that is accepted writes back as the very same bytes, and what it makes of a manifest is a manifest.
#include <cstddef>
#include <cstdint>

#include "domain/snapshot_changes.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto changes = werkbank::SnapshotChanges::parse(text);
  if (!changes) return 0;
  WB_INVARIANT(changes->to_text() == text);
  werkbank::SnapshotManifest base;
  for (const char* path : {"a", "b/c", "b/d"}) base.entries.push_back({path, werkbank::Hash::of(path), 1, false});
  const auto changed = werkbank::apply_changes(base.to_text(), *changes);
  if (changed) {
    const auto manifest = werkbank::SnapshotManifest::parse(changed->text);
    // Only the sum of the sizes is not looked at here: the content store knows the base's.
    WB_INVARIANT(manifest || manifest.error().message.find("overflow") != std::string::npos);
  }
  return 0;
}
