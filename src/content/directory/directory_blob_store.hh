// Blobs as plain files below one folder, for a server on this machine.
//
//     <folder>/ab/cdef…   a blob, mode 0400       <folder>/tmp/…   blobs on their way in; emptied at open
//     <folder>/unclean    there while the store is open: after a crash the first open syncs the file system once
//
// One process at a time (the server's home lock sees to it); other processes may read blobs.
#pragma once

#include <filesystem>
#include <memory>

#include "content/blob_store.hh"

namespace werkbank::content {

// Creates the folder where it is not there.
Result<std::unique_ptr<BlobStore>> open_directory_blob_store(const std::filesystem::path& folder);

}  // namespace werkbank::content
