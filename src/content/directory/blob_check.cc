#include "content/directory/blob_check.hh"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hh"

namespace werkbank::content {
namespace {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code failure;
  fs::directory_iterator place(folder, failure);
  for (; !failure && place != fs::directory_iterator(); place.increment(failure)) entries.push_back(place->path());
  if (failure && failure != std::errc::no_such_file_or_directory)
    return fail(errors::io_failed, fmt::format("cannot list {}: {}", folder.string(), failure.message()));
  std::ranges::sort(entries);
  return entries;
}

void check_blob(const fs::path& path, const Hash& name, BlobCheck& check) {
  const Result<Hash> hash = Hash::of_file(path);
  std::error_code failure;
  const uint64_t size_bytes = fs::file_size(path, failure);
  if (failure == std::errc::no_such_file_or_directory) return;
  ++check.blobs;
  if (!failure) check.size_bytes += size_bytes;
  if (!hash) {
    check.damaged.push_back({path, hash.error().message});
  } else if (*hash != name) {
    check.damaged.push_back({path, fmt::format("its {} bytes have the hash {}", size_bytes, hash->hex())});
  }
}

}  // namespace

Result<BlobCheck> check_blobs(const fs::path& folder, const std::function<void(const BlobCheck&)>& progress) {
  BlobCheck check;
  TRY(const std::vector<fs::path> shards, entries_of(folder));
  for (const fs::path& shard : shards) {
    if (shard.filename().native().size() != 2) continue;
    TRY(const std::vector<fs::path> files, entries_of(shard));
    for (const fs::path& file : files) {
      const Result<Hash> name = Hash::parse(shard.filename().native() + file.filename().native());
      if (!name) continue;
      check_blob(file, *name, check);
      progress(check);
    }
  }
  return check;
}

}  // namespace werkbank::content
