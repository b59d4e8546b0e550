// Reads every blob below a folder and compares it with its name. Beside a server at work, too: blobs never change, and one that
// is collected meanwhile does not count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hh"

namespace werkbank::content {

struct BlobCheck {
  struct Damage {
    std::filesystem::path path;
    std::string reason;
  };
  uint64_t blobs = 0;
  uint64_t size_bytes = 0;
  std::vector<Damage> damaged;
};

// A folder that is not there holds no blobs. `progress` is told after each blob.
Result<BlobCheck> check_blobs(const std::filesystem::path& folder, const std::function<void(const BlobCheck&)>& progress);

}  // namespace werkbank::content
