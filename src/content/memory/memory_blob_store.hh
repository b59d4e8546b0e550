// The blob store's twin in memory, for tests and simulation. It has no local folder.
#pragma once

#include <memory>

#include "base/clock.hh"
#include "content/blob_store.hh"

namespace werkbank::content {

std::unique_ptr<BlobStore> make_memory_blob_store(const Clock& clock = system_clock());

}  // namespace werkbank::content
