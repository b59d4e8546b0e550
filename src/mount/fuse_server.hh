// A tree of files as a read-only FUSE file system. The only place that sees libfuse.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "mount/file_tree.hh"
#include "mount/piece_reader.hh"

namespace werkbank::mount {

struct FuseOptions {
  std::filesystem::path folder;  // as mount_place() answers it
  bool allow_other = false;      // other users may read, too
  size_t threads = 64;           // reads that wait at the same time
  std::function<void(const std::string& line)> log = [](const std::string&) {};
};

class FuseServer {
 public:
  // Mounted when it answers; all collaborators outlive it. mount_unavailable where the system refuses.
  static Result<std::unique_ptr<FuseServer>> mount(const FileTree& tree, const std::vector<MountedFile>& files,
                                                   PieceReader& reader, const FuseOptions& options);
  ~FuseServer();
  // Answers the kernel until the folder is unmounted.
  void serve();

 private:
  struct Impl;
  explicit FuseServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace werkbank::mount
