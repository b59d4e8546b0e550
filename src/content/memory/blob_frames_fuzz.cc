// Any bytes, cut anywhere: a body is refused, or everything in it is stored under its own hash.
#include <cstddef>
#include <cstdint>

#include "content/blob_frames.hh"
#include "content/memory/memory_blob_store.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = data[0] + size_t{1};
  const auto store = werkbank::content::make_memory_blob_store();
  auto frames = werkbank::content::BlobFrames::open(*store);
  WB_INVARIANT(frames.has_value());
  for (size_t at = 0; at < body.size(); at += piece) {
    if (!frames->feed(body.substr(at, piece))) return 0;
  }
  static_cast<void>(frames->finish());
  return 0;
}
