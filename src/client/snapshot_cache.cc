#include "client/snapshot_cache.hh"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/files.hh"

namespace werkbank::client {
namespace {

// The file: kMagic, the records as they lie in memory, the BLAKE2b-256 of both. The number in the magic catches a foreign byte
// order.
constexpr uint64_t kMagic = 0x5742'5343'0000'0001;  // "WBSC", version 1
constexpr int64_t kSecond = 1'000'000'000;

static_assert(std::is_trivially_copyable_v<KnownHash> && sizeof(KnownHash) == 5 * 8 + Hash::kSizeBytes);

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

}  // namespace

FileStamp FileStamp::of(const struct stat& facts) {
  return {facts.st_dev, facts.st_ino, static_cast<uint64_t>(facts.st_size), nanoseconds(facts.st_mtim),
          nanoseconds(facts.st_ctim)};
}

bool FileStamp::tells_changes_after(int64_t started_ns) const {
  const bool whole_seconds = changed_ns % kSecond == 0;
  // 20 ms is above a tick of every kernel; the time of the last change cannot be set by hand, other than that of the content.
  const int64_t tick_ns = whole_seconds ? 2 * kSecond : kSecond / 50;
  return changed_ns + tick_ns < started_ns;
}

SnapshotCache SnapshotCache::load(const std::filesystem::path& file) {
  SnapshotCache cache;
  const auto bytes = read_file(file);
  if (!bytes || bytes->size() < sizeof kMagic + Hash::kSizeBytes) return cache;
  const size_t records_size = bytes->size() - sizeof kMagic - Hash::kSizeBytes;
  if (records_size % sizeof(KnownHash) != 0) return cache;
  uint64_t magic = 0;
  std::memcpy(&magic, bytes->data(), sizeof magic);
  const Hash sum = Hash::of(std::string_view(*bytes).substr(0, sizeof kMagic + records_size));
  if (magic != kMagic || std::memcmp(sum.bytes.data(), bytes->data() + sizeof kMagic + records_size, Hash::kSizeBytes) != 0) {
    return cache;
  }
  cache.known_.resize(records_size / sizeof(KnownHash));
  if (records_size > 0) std::memcpy(static_cast<void*>(cache.known_.data()), bytes->data() + sizeof kMagic, records_size);
  return cache;
}

std::optional<Hash> SnapshotCache::find(const FileStamp& stamp) const {
  const auto found = std::ranges::lower_bound(known_, stamp, {}, &KnownHash::stamp);
  if (found == known_.end() || found->stamp != stamp) return std::nullopt;
  return found->hash;
}

Status SnapshotCache::replace(const std::filesystem::path& file, std::vector<KnownHash> known) {
  std::ranges::sort(known);
  const auto repeated = std::ranges::unique(known);  // hard links, and files behind two links
  known.erase(repeated.begin(), repeated.end());
  if (known == known_) return {};
  known_ = std::move(known);
  std::string bytes(reinterpret_cast<const char*>(&kMagic), sizeof kMagic);
  bytes.append(reinterpret_cast<const char*>(known_.data()), known_.size() * sizeof(KnownHash));
  const Hash sum = Hash::of(bytes);
  bytes.append(reinterpret_cast<const char*>(sum.bytes.data()), sum.bytes.size());
  CHECK_OK(make_directories(file.parent_path()));
  return write_file_atomically(file, bytes, 0600, false);
}

}  // namespace werkbank::client
