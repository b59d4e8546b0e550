#include "client/snapshot_cache.hh"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <type_traits>

#include "base/files.hh"

namespace werkbank::client {
namespace {

// The file: a head, the folders, the files, the names. The number in the magic catches a foreign byte order.
constexpr uint64_t kMagic = 0x5742'5343'0000'0002;  // "WBSC", version 2
constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kBytesMax = UINT32_MAX;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
int64_t nanoseconds(const statx_timestamp& time) { return time.tv_sec * kSecond + time.tv_nsec; }

template <typename T>
void append_array(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

// Every field counts: nothing is padded, so the sum covers all that is read.
struct SnapshotCache::Head {
  uint64_t magic = kMagic;
  Checksum sum{};  // of everything behind it
  uint64_t folder_count = 0, file_count = 0, names_size = 0;
  Hash rules, manifest;
};

FileStamp FileStamp::of(const struct stat& facts) {
  return {facts.st_dev, facts.st_ino, static_cast<uint64_t>(facts.st_size), nanoseconds(facts.st_mtim),
          nanoseconds(facts.st_ctim)};
}

FileStamp FileStamp::of(const struct statx& facts) {
  return {makedev(facts.stx_dev_major, facts.stx_dev_minor), facts.stx_ino, facts.stx_size, nanoseconds(facts.stx_mtime),
          nanoseconds(facts.stx_ctime)};
}

bool FileStamp::tells_changes_after(int64_t started_ns) const {
  const bool whole_seconds = changed_ns % kSecond == 0;
  // 20 ms is above a tick of every kernel; the time of the last change cannot be set by hand, other than that of the content.
  const int64_t tick_ns = whole_seconds ? 2 * kSecond : kSecond / 50;
  return changed_ns + tick_ns < started_ns;
}

SnapshotCache SnapshotCache::load(const std::filesystem::path& file) {
  SnapshotCache cache;
  auto bytes = read_file(file, kBytesMax);
  if (!bytes || !cache.read(std::move(*bytes))) return {};
  return cache;
}

bool SnapshotCache::read(std::string bytes) {
  static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 8 + sizeof(Checksum) + 3 * 8 + 2 * Hash::kSizeBytes);
  static_assert(std::is_trivially_copyable_v<KnownFile> && sizeof(KnownFile) == 5 * 8 + Hash::kSizeBytes + 8);
  static_assert(std::is_trivially_copyable_v<KnownFolder> && sizeof(KnownFolder) == 4 * 4);
  static_assert(sizeof(Head) % alignof(KnownFile) == 0 && sizeof(KnownFolder) % alignof(KnownFile) == 0);
  Head head;
  if (bytes.size() < sizeof head) return false;
  std::memcpy(static_cast<void*>(&head), bytes.data(), sizeof head);
  constexpr size_t kSummedFrom = sizeof head.magic + sizeof head.sum;
  if (head.magic != kMagic || head.sum != checksum(std::string_view(bytes).substr(kSummedFrom))) return false;
  // What was written whole is as it was written: only the size is compared, against a programming error.
  if (sizeof head + head.folder_count * sizeof(KnownFolder) + head.file_count * sizeof(KnownFile) + head.names_size !=
      bytes.size()) {
    return false;
  }
  bytes_ = std::move(bytes);
  const char* at = bytes_.data() + sizeof head;  // aligned: a string's heap memory is
  folders_ = {reinterpret_cast<const KnownFolder*>(at), head.folder_count};
  at += folders_.size_bytes();
  files_ = {reinterpret_cast<const KnownFile*>(at), head.file_count};
  names_ = std::string_view(at + files_.size_bytes(), head.names_size);
  rules_ = head.rules;
  manifest_ = head.manifest;
  return true;
}

std::string_view SnapshotCache::name_of(const KnownFile& file) const { return names_.substr(file.name_at, file.name_size); }

std::string_view SnapshotCache::path_of(const KnownFolder& folder) const {
  return names_.substr(folder.path_at, folder.path_size);
}

std::span<const KnownFile> SnapshotCache::files_in(std::string_view folder) const {
  const auto path = [this](const KnownFolder& known) { return path_of(known); };
  const auto found = std::ranges::lower_bound(folders_, folder, {}, path);
  if (found == folders_.end() || path_of(*found) != folder) return {};
  return files_.subspan(found->first_file, found->file_count);
}

std::string SnapshotCache::path_of(size_t index) const {
  const auto after = std::ranges::upper_bound(folders_, index, {}, &KnownFolder::first_file);
  const std::string_view folder = path_of(*(after - 1));
  const std::string_view name = name_of(files_[index]);
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

SnapshotCache::ByStamp SnapshotCache::by_stamp() const {
  ByStamp result;
  result.sorted_.reserve(files_.size());
  for (const KnownFile& file : files_) {
    if (file.stamp.inode != 0) result.sorted_.push_back(&file);
  }
  std::ranges::sort(result.sorted_, {}, [](const KnownFile* file) -> const FileStamp& { return file->stamp; });
  return result;
}

const KnownFile* SnapshotCache::ByStamp::find(const FileStamp& stamp) const {
  const auto found =
      std::ranges::lower_bound(sorted_, stamp, {}, [](const KnownFile* file) -> const FileStamp& { return file->stamp; });
  return found == sorted_.end() || (*found)->stamp != stamp ? nullptr : *found;
}

Status SnapshotCache::write(const std::filesystem::path& file, const std::vector<FileToRemember>& files, const Hash& rules,
                            const Hash& manifest) {
  std::map<std::string_view, std::vector<const FileToRemember*>> by_folder;
  std::vector<const FileToRemember*>* neighbours = nullptr;
  std::string_view folder;
  for (const FileToRemember& one : files) {
    const size_t slash = one.path.rfind('/');
    const std::string_view its = one.path.substr(0, slash == std::string_view::npos ? 0 : slash);
    if (neighbours == nullptr || its != folder) neighbours = &by_folder[folder = its];
    neighbours->push_back(&one);
  }
  std::vector<KnownFolder> folders;
  std::vector<KnownFile> known;
  known.reserve(files.size());
  std::string names;
  for (const auto& [path, group] : by_folder) {
    folders.push_back({static_cast<uint32_t>(names.size()), static_cast<uint32_t>(path.size()),
                       static_cast<uint32_t>(known.size()), static_cast<uint32_t>(group.size())});
    names += path;
    for (const FileToRemember* one : group) {
      const std::string_view name = one->path.substr(path.empty() ? 0 : path.size() + 1);
      KnownFile& added = known.emplace_back();
      added.stamp = one->stamp;
      added.hash = one->hash;
      added.name_at = static_cast<uint32_t>(names.size());
      added.name_size = static_cast<uint16_t>(name.size());
      added.executable = one->executable ? 1 : 0;
      names += name;
    }
  }
  Head head;
  head.folder_count = folders.size();
  head.file_count = known.size();
  head.names_size = names.size();
  head.rules = rules;
  head.manifest = manifest;
  std::string bytes;
  bytes.reserve(sizeof head + folders.size() * sizeof(KnownFolder) + known.size() * sizeof(KnownFile) + names.size());
  bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
  append_array(bytes, folders);
  append_array(bytes, known);
  bytes += names;
  const Checksum sum = checksum(std::string_view(bytes).substr(sizeof head.magic + sizeof head.sum));
  std::memcpy(bytes.data() + sizeof head.magic, sum.data(), sizeof sum);
  CHECK_OK(make_directories(file.parent_path()));
  return write_file_atomically(file, bytes, 0600, false);
}

}  // namespace werkbank::client
