// On what kind of file system a folder lies: a store needs locks, fsync and sockets that hold.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hh"

namespace werkbank {

struct FileSystemKind {
  std::string_view network;  // "NFS", …; empty for a local one
  std::string_view unknown;  // "FUSE", "9p": may be on this machine or behind a network; empty for others
};

// Of the nearest folder above `path` that is there.
Result<FileSystemKind> file_system_kind(const std::filesystem::path& path);

}  // namespace werkbank
