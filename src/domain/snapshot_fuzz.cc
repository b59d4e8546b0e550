// A manifest that is accepted writes back as the very same bytes.
#include <cstddef>
#include <cstdint>

#include "domain/snapshot.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = werkbank::SnapshotManifest::parse(text);
  if (manifest) {
    WB_INVARIANT(manifest->to_text() == text);
    for (const werkbank::SnapshotEntry& entry : manifest->entries) {
      WB_INVARIANT(werkbank::unescape_snapshot_path(werkbank::escape_snapshot_path(entry.path)) == entry.path);
      const auto found = werkbank::find_in_manifest(text, entry.path);
      WB_INVARIANT(found && found->has_value() && (*found)->hash == entry.hash);
    }
  }
  return 0;
}
