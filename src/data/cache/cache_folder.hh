// The cache's folder as a list of what can be removed. For file_cache.cc.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.hh"

namespace werkbank::data::detail {

struct CacheItem {
  std::filesystem::path place;  // without .part
  uint64_t size_bytes = 0;      // on the disk, map included
  int64_t used_ns = 0;
};

// Leftovers of dead processes are removed on the way.
std::vector<CacheItem> cache_items(const std::filesystem::path& folder);
// False where somebody has it open.
bool remove_item(const CacheItem& item);
// Down to `size_bytes_target`, least recently used first; what remains.
uint64_t remove_oldest(std::vector<CacheItem> items, uint64_t size_bytes_target);

}  // namespace werkbank::data::detail
