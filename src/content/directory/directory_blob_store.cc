#include "content/directory/directory_blob_store.hh"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>

#include "base/clock.hh"
#include "base/failpoint.hh"
#include "base/files.hh"
#include "content/directory/crash_marker.hh"
#include "content/directory/presence_cache.hh"

namespace werkbank::content {
namespace {

// Up to here every file is synced by itself; above, one sync of the file system is cheaper than so many.
constexpr size_t kSyncedSinglyMax = 24;

std::unexpected<Error> mismatch(const Hash& expected, const Hash& actual) {
  return fail(errors::hash_mismatch, fmt::format("announced {}, the bytes have {}", expected.hex(), actual.hex()));
}

std::unexpected<Error> no_blob(const Hash& hash) { return fail(errors::blob_not_found, fmt::format("no blob {}", hash.hex())); }

int64_t now_s() { return system_clock().utc_now_ms() / 1000; }
int64_t modified_ms(const struct stat& facts) { return facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000; }

Status sync_file(const std::filesystem::path& path) {
  TRY(const Fd fd, open_file(path, O_RDONLY));
  if (::fsync(fd.get()) != 0) return fail(errno_error(errno, "cannot sync " + path.string()));
  return {};
}

// A file below tmp/ that is gone when this is destroyed, unless it became a blob.
class IncomingFile {
 public:
  static Result<IncomingFile> create(const std::filesystem::path& folder) {
    std::filesystem::path path = folder / "tmp" / random_hex(12);
    TRY(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0400));
    return IncomingFile(std::move(path), std::move(fd));
  }
  IncomingFile(IncomingFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  IncomingFile& operator=(IncomingFile&&) = delete;
  ~IncomingFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_.get(); }
  void close_fd() { fd_ = Fd(); }
  void moved_away() { path_.clear(); }

 private:
  IncomingFile(std::filesystem::path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  Fd fd_;
};

struct IncomingBlob {
  Hash hash;
  uint64_t size_bytes = 0;
  IncomingFile file;
};

class DirectoryBlobStore final : public BlobStore {
 public:
  DirectoryBlobStore(std::filesystem::path folder, CrashMarker marker) : folder_(std::move(folder)), marker_(std::move(marker)) {}
  ~DirectoryBlobStore() override { close(); }

  Result<std::vector<std::optional<uint64_t>>> sizes(const std::vector<Hash>& hashes) override;
  Result<std::unique_ptr<BlobWriter>> create() override;
  Result<std::unique_ptr<BlobBatch>> create_batch() override;
  Result<uint64_t> size(const Hash& hash) override;
  Result<std::string> read(const Hash& hash, uint64_t offset, uint64_t size_max) override;
  std::optional<std::filesystem::path> local_folder() const override { return folder_; }
  Result<FreedBlobs> collect(const std::function<bool(const Hash&)>& is_reachable, int64_t grace_ms, bool dry_run) override;
  Result<FreedBlobs> remove(const std::function<Result<std::vector<Hash>>()>& choose) override;
  uint64_t collections() const override { return collections_; }
  void close() override;

  const std::filesystem::path& folder() const { return folder_; }
  // The blob is there, durably, with this size. One that is damaged (another size) is not there: it will be replaced.
  Result<bool> is_there(const Hash& hash, uint64_t size_bytes);
  // Makes blobs durable, then visible under their hashes, then their names durable.
  Status take_in(std::vector<IncomingBlob> blobs);

 private:
  Status check_open();
  Result<std::optional<uint64_t>> find(const Hash& hash, int64_t now);
  Status announce(std::vector<IncomingBlob>& blobs);
  Status rename_all(std::vector<IncomingBlob>& blobs);
  Status sync_names(const std::vector<IncomingBlob>& blobs);
  Status collect_in(const std::string& shard, const std::function<bool(const Hash&)>& is_reachable, int64_t newest_ms,
                    bool dry_run, FreedBlobs& freed);
  Status free_blob(const Hash& hash, FreedBlobs& freed);

  const std::filesystem::path folder_;
  CrashMarker marker_;
  std::atomic<uint64_t> collections_{0};
  std::mutex mutex_;  // guards what follows, and unlinking against refreshing
  PresenceCache present_;
  // Renamed, but their names not yet durable: nobody may be told that these are there. After a failure they stay in this set
  // until they are put again.
  std::set<Hash> settling_;
  std::optional<std::set<Hash>> used_meanwhile_;  // while remove() is under way
  bool closed_ = false;
  std::mutex removal_mutex_;  // one remove() at a time; taken before mutex_
};

class DirectoryBlobWriter final : public BlobWriter {
 public:
  DirectoryBlobWriter(DirectoryBlobStore& store, IncomingFile file) : store_(store), file_(std::move(file)) {}

  Status append(std::string_view bytes) override {
    hasher_.update(bytes);
    size_bytes_ += bytes.size();
    if (Status written = write_all(file_.fd(), bytes); !written) return fail_in(file_.path().string(), written.error());
    return {};
  }

  Result<Hash> finish(std::optional<Hash> expected) override {
    const Hash hash = hasher_.finish();
    if (expected && *expected != hash) return mismatch(*expected, hash);
    TRY(const bool is_there, store_.is_there(hash, size_bytes_));
    if (is_there) return hash;
    file_.close_fd();
    std::vector<IncomingBlob> blobs;
    blobs.push_back({hash, size_bytes_, std::move(file_)});
    CHECK_OK(store_.take_in(std::move(blobs)));
    return hash;
  }

 private:
  DirectoryBlobStore& store_;
  IncomingFile file_;
  Hasher hasher_;
  uint64_t size_bytes_ = 0;
};

class DirectoryBlobBatch final : public BlobBatch {
 public:
  explicit DirectoryBlobBatch(DirectoryBlobStore& store) : store_(store) {}

  Status put(const Hash& expected, std::string_view bytes) override {
    const Hash hash = Hash::of(bytes);
    if (hash != expected) return mismatch(expected, hash);
    if (!taken_.insert(hash).second) return {};
    TRY(const bool is_there, store_.is_there(hash, bytes.size()));
    if (is_there) return {};
    TRY(IncomingFile file, IncomingFile::create(store_.folder()));
    if (Status written = write_all(file.fd(), bytes); !written) return fail_in(file.path().string(), written.error());
    file.close_fd();  // a batch of thousands would run out of descriptors
    blobs_.push_back({hash, bytes.size(), std::move(file)});
    return {};
  }

  Status commit() override {
    taken_.clear();
    return store_.take_in(std::exchange(blobs_, {}));
  }

 private:
  DirectoryBlobStore& store_;
  std::vector<IncomingBlob> blobs_;
  std::set<Hash> taken_;
};

Status DirectoryBlobStore::check_open() {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(errors::unavailable, "the content store is closed");
  return {};
}

// The size of a durable blob; called with the lock held. Counts as a use.
Result<std::optional<uint64_t>> DirectoryBlobStore::find(const Hash& hash, int64_t now) {
  if (used_meanwhile_) used_meanwhile_->insert(hash);
  if (const auto known = present_.find(hash, now - kUseSeconds)) return known;
  if (settling_.contains(hash)) return std::optional<uint64_t>();
  const std::filesystem::path path = blob_path(folder_, hash);
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return std::optional<uint64_t>();
    return fail(errno_error(errno, "cannot look at " + path.string()));
  }
  if (!S_ISREG(facts.st_mode)) return fail(errors::store_corrupt, path.string() + " is not a file");
  // A blob's file time is its last use.
  int64_t used_s = facts.st_mtim.tv_sec;
  if (used_s <= now - kUseSeconds) {
    if (::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail(errno_error(errno, "cannot refresh the time of " + path.string()));
    }
    used_s = now;
  }
  const auto size_bytes = static_cast<uint64_t>(facts.st_size);
  present_.remember(hash, size_bytes, used_s);
  return std::optional<uint64_t>(size_bytes);
}

Result<std::vector<std::optional<uint64_t>>> DirectoryBlobStore::sizes(const std::vector<Hash>& hashes) {
  CHECK_OK(check_open());
  const int64_t now = now_s();
  std::vector<std::optional<uint64_t>> answer;
  answer.reserve(hashes.size());
  for (const Hash& hash : hashes) {
    const std::lock_guard lock(mutex_);
    TRY(auto found, find(hash, now));
    answer.push_back(found);
  }
  return answer;
}

Result<bool> DirectoryBlobStore::is_there(const Hash& hash, uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  // Asked only before writing, which is rare and dear: worth a look at the disk, so that a damaged blob can be replaced.
  present_.forget(hash);
  TRY(const auto found, find(hash, now_s()));
  return found == size_bytes;
}

Result<std::unique_ptr<BlobWriter>> DirectoryBlobStore::create() {
  CHECK_OK(check_open());
  TRY(IncomingFile file, IncomingFile::create(folder_));
  return std::make_unique<DirectoryBlobWriter>(*this, std::move(file));
}

Result<std::unique_ptr<BlobBatch>> DirectoryBlobStore::create_batch() {
  CHECK_OK(check_open());
  return std::make_unique<DirectoryBlobBatch>(*this);
}

Status DirectoryBlobStore::take_in(std::vector<IncomingBlob> blobs) {
  if (blobs.empty()) return {};
  CHECK_OK(check_open());
  if (blobs.size() <= kSyncedSinglyMax) {
    for (const IncomingBlob& blob : blobs) CHECK_OK(sync_file(blob.file.path()));
  } else {
    CHECK_OK(sync_file_system(folder_));
  }
  CHECK_OK(failpoint("blob.before_rename"));
  CHECK_OK(announce(blobs));
  Status outcome = rename_all(blobs);
  failpoint_kill("blob.after_rename");
  if (outcome) outcome = sync_names(blobs);
  if (!outcome) return outcome;
  const int64_t now = now_s();
  const std::lock_guard lock(mutex_);
  for (const IncomingBlob& blob : blobs) {
    // Another writer may be renaming the same bytes over ours just now: whichever file survives a crash, it is durable.
    settling_.erase(blob.hash);
    present_.remember(blob.hash, blob.size_bytes, now);
  }
  return {};
}

// Hides the blobs until their names are durable. What somebody else has put meanwhile, and may have been told so, stays as it is.
Status DirectoryBlobStore::announce(std::vector<IncomingBlob>& blobs) {
  const std::lock_guard lock(mutex_);
  const int64_t now = now_s();
  std::vector<IncomingBlob> needed;
  needed.reserve(blobs.size());
  for (IncomingBlob& blob : blobs) {
    TRY(const auto there, find(blob.hash, now));
    if (there != blob.size_bytes) needed.push_back(std::move(blob));
  }
  blobs = std::move(needed);
  for (const IncomingBlob& blob : blobs) {
    settling_.insert(blob.hash);
    present_.forget(blob.hash);
  }
  return {};
}

Status DirectoryBlobStore::rename_all(std::vector<IncomingBlob>& blobs) {
  for (IncomingBlob& blob : blobs) {
    const std::filesystem::path target = blob_path(folder_, blob.hash);
    int renamed = ::rename(blob.file.path().c_str(), target.c_str());
    if (renamed != 0 && errno == ENOENT) {
      CHECK_OK(make_directories(target.parent_path()));
      CHECK_OK(sync_directory(folder_));
      renamed = ::rename(blob.file.path().c_str(), target.c_str());
    }
    if (renamed != 0) return fail(errno_error(errno, "cannot move a blob to " + target.string()));
    blob.file.moved_away();
  }
  return {};
}

Status DirectoryBlobStore::sync_names(const std::vector<IncomingBlob>& blobs) {
  if (blobs.size() > kSyncedSinglyMax) return sync_file_system(folder_);
  std::set<std::filesystem::path> folders;
  for (const IncomingBlob& blob : blobs) folders.insert(blob_path(folder_, blob.hash).parent_path());
  for (const std::filesystem::path& folder : folders) CHECK_OK(sync_directory(folder));
  return {};
}

Result<uint64_t> DirectoryBlobStore::size(const Hash& hash) {
  struct stat facts{};
  const std::filesystem::path path = blob_path(folder_, hash);
  if (::lstat(path.c_str(), &facts) == 0) return static_cast<uint64_t>(facts.st_size);
  if (errno == ENOENT) return no_blob(hash);
  return fail(errno_error(errno, "cannot look at " + path.string()));
}

Result<std::string> DirectoryBlobStore::read(const Hash& hash, uint64_t offset, uint64_t size_max) {
  const std::filesystem::path path = blob_path(folder_, hash);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return errno == ENOENT ? no_blob(hash) : fail(errno_error(errno, "cannot open " + path.string()));
  struct stat facts{};
  if (::fstat(fd.get(), &facts) != 0) return fail(errno_error(errno, "cannot look at " + path.string()));
  const auto size_bytes = static_cast<uint64_t>(facts.st_size);
  if (offset >= size_bytes) return std::string();
  std::string bytes(std::min(size_max, size_bytes - offset), '\0');
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::pread(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "cannot read " + path.string()));
    if (count == 0) return fail(errors::store_corrupt, path.string() + " was cut while it was read");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

Result<FreedBlobs> DirectoryBlobStore::collect(const std::function<bool(const Hash&)>& is_reachable, int64_t grace_ms,
                                               bool dry_run) {
  CHECK_OK(check_open());
  const int64_t newest_ms = system_clock().utc_now_ms() - grace_ms;
  if (!dry_run) ++collections_;
  FreedBlobs freed;
  for (int i = 0; i < 256; ++i) CHECK_OK(collect_in(fmt::format("{:02x}", i), is_reachable, newest_ms, dry_run, freed));
  return freed;
}

Status DirectoryBlobStore::collect_in(const std::string& shard, const std::function<bool(const Hash&)>& is_reachable,
                                      int64_t newest_ms, bool dry_run, FreedBlobs& freed) {
  const std::filesystem::path folder = folder_ / shard;
  DIR* const directory = ::opendir(folder.c_str());
  if (directory == nullptr) {
    if (errno == ENOENT) return {};
    return fail(errno_error(errno, "cannot list " + folder.string()));
  }
  std::vector<Hash> hashes;
  while (const dirent* entry = ::readdir(directory)) {
    // What is not named like a blob is not ours to remove.
    if (const auto hash = Hash::parse(shard + entry->d_name)) hashes.push_back(*hash);
  }
  ::closedir(directory);
  for (const Hash& hash : hashes) {
    if (is_reachable(hash)) continue;
    const std::lock_guard lock(mutex_);
    const std::filesystem::path path = blob_path(folder_, hash);
    struct stat facts{};
    if (settling_.contains(hash) || ::lstat(path.c_str(), &facts) != 0 || modified_ms(facts) > newest_ms) continue;
    if (!dry_run) {
      CHECK_OK(free_blob(hash, freed));
      continue;
    }
    freed.hashes.push_back(hash);
    freed.size_bytes += static_cast<uint64_t>(facts.st_size);
  }
  return {};
}

// With the lock held.
Status DirectoryBlobStore::free_blob(const Hash& hash, FreedBlobs& freed) {
  const std::filesystem::path path = blob_path(folder_, hash);
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0 && errno == ENOENT) return {};
  present_.forget(hash);
  if (::unlink(path.c_str()) != 0) return fail(errno_error(errno, "cannot remove " + path.string()));
  freed.hashes.push_back(hash);
  freed.size_bytes += static_cast<uint64_t>(facts.st_size);
  return {};
}

Result<FreedBlobs> DirectoryBlobStore::remove(const std::function<Result<std::vector<Hash>>()>& choose) {
  const std::lock_guard one_at_a_time(removal_mutex_);
  CHECK_OK(check_open());
  {
    const std::lock_guard lock(mutex_);
    used_meanwhile_.emplace();
    ++collections_;
  }
  const Result<std::vector<Hash>> chosen = choose();
  FreedBlobs freed;
  Status outcome;
  if (!chosen) outcome = fail(chosen.error());
  for (size_t i = 0; outcome && i < chosen->size(); ++i) {
    const Hash& hash = (*chosen)[i];
    const std::lock_guard lock(mutex_);
    if (!used_meanwhile_->contains(hash) && !settling_.contains(hash)) outcome = free_blob(hash, freed);
  }
  const std::lock_guard lock(mutex_);
  used_meanwhile_.reset();
  if (!outcome) return fail(std::move(outcome).error());
  return freed;
}

void DirectoryBlobStore::close() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(closed_, true)) return;
  if (settling_.empty()) marker_.close();
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_directory_blob_store(const std::filesystem::path& folder) {
  CHECK_OK(create_durable_folder(folder));
  CHECK_OK(remove_tree(folder / "tmp"));
  CHECK_OK(create_durable_folder(folder / "tmp"));
  TRY(CrashMarker marker, CrashMarker::open(folder));
  return std::make_unique<DirectoryBlobStore>(folder, std::move(marker));
}

}  // namespace werkbank::content
