// The files of a mount, and the folders that their names make. Plain values; nothing changes after make().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hh"
#include "base/result.hh"

namespace werkbank::mount {

struct MountedFile {
  std::string name;  // below the mounted folder, '/' between parts
  std::string path;  // in its source
  uint64_t size_bytes = 0;
  std::string etag;   // the content that is meant: another one is EIO
  size_t source = 0;  // which of the mount's sources
  UtcMs modified_ms = 0;
};

struct TreeNode {
  std::string name;
  uint32_t parent = 0;
  int64_t file = -1;               // its place in the list of files; -1: a folder
  std::vector<uint32_t> children;  // by name
};

class FileTree {
 public:
  // path_refused: a name that no path can be; already_exists: two files of one name, or a file where a folder is needed.
  static Result<FileTree> make(const std::vector<MountedFile>& files);

  static constexpr uint32_t kRoot = 0;
  const TreeNode& node(uint32_t number) const { return nodes_[number]; }
  bool has(uint64_t number) const { return number < nodes_.size(); }
  std::optional<uint32_t> find(uint32_t folder, std::string_view name) const;
  size_t size() const { return nodes_.size(); }

 private:
  uint32_t add(uint32_t parent, std::string_view name, int64_t file);
  std::vector<TreeNode> nodes_;
};

}  // namespace werkbank::mount
