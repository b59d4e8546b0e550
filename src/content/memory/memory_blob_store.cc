#include "content/memory/memory_blob_store.hh"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace werkbank::content {
namespace {

std::unexpected<Error> mismatch(const Hash& expected, const Hash& actual) {
  return fail(errors::hash_mismatch, fmt::format("announced {}, the bytes have {}", expected.hex(), actual.hex()));
}

class MemoryBlobStore final : public BlobStore {
 public:
  explicit MemoryBlobStore(const Clock& clock) : clock_(clock) {}

  Result<std::vector<std::optional<uint64_t>>> sizes(const std::vector<Hash>& hashes) override {
    const std::lock_guard lock(mutex_);
    CHECK_OK(check_open());
    std::vector<std::optional<uint64_t>> answer;
    answer.reserve(hashes.size());
    for (const Hash& hash : hashes) {
      if (used_meanwhile_) used_meanwhile_->insert(hash);
      const auto found = blobs_.find(hash);
      if (found == blobs_.end()) {
        answer.emplace_back();
      } else {
        found->second.used_ms = clock_.utc_now_ms();
        answer.emplace_back(found->second.bytes.size());
      }
    }
    return answer;
  }

  Result<std::unique_ptr<BlobWriter>> create() override;
  Result<std::unique_ptr<BlobBatch>> create_batch() override;

  Result<uint64_t> size(const Hash& hash) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(hash);
    if (found == blobs_.end()) return fail(errors::blob_not_found, fmt::format("no blob {}", hash.hex()));
    return found->second.bytes.size();
  }

  Result<std::string> read(const Hash& hash, uint64_t offset, uint64_t size_max) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(hash);
    if (found == blobs_.end()) return fail(errors::blob_not_found, fmt::format("no blob {}", hash.hex()));
    const std::string& bytes = found->second.bytes;
    if (offset >= bytes.size()) return std::string();
    return bytes.substr(offset, size_max);
  }

  std::optional<std::filesystem::path> local_folder() const override { return std::nullopt; }

  Result<FreedBlobs> collect(const std::function<bool(const Hash&)>& is_reachable, int64_t grace_ms, bool dry_run) override {
    std::vector<Hash> candidates;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [hash, blob] : blobs_) candidates.push_back(hash);
    }
    // The question is asked without the lock: its answer may come from another store.
    std::erase_if(candidates, is_reachable);
    const std::lock_guard lock(mutex_);
    if (!dry_run) ++collections_;
    const UtcMs newest = clock_.utc_now_ms() - grace_ms;
    FreedBlobs freed;
    for (const Hash& hash : candidates) {
      const auto found = blobs_.find(hash);
      if (found == blobs_.end() || found->second.used_ms > newest) continue;
      freed.hashes.push_back(hash);
      freed.size_bytes += found->second.bytes.size();
      if (!dry_run) blobs_.erase(found);
    }
    return freed;
  }

  uint64_t collections() const override {
    const std::lock_guard lock(mutex_);
    return collections_;
  }

  Result<FreedBlobs> remove(const std::function<Result<std::vector<Hash>>()>& choose) override {
    const std::lock_guard one_at_a_time(removal_mutex_);
    {
      const std::lock_guard lock(mutex_);
      CHECK_OK(check_open());
      used_meanwhile_.emplace();
      ++collections_;
    }
    const Result<std::vector<Hash>> chosen = choose();
    const std::lock_guard lock(mutex_);
    const std::set<Hash> used = std::move(*used_meanwhile_);
    used_meanwhile_.reset();
    CHECK_OK(chosen);
    FreedBlobs freed;
    for (const Hash& hash : *chosen) {
      const auto found = blobs_.find(hash);
      if (found == blobs_.end() || used.contains(hash)) continue;
      freed.hashes.push_back(hash);
      freed.size_bytes += found->second.bytes.size();
      blobs_.erase(found);
    }
    return freed;
  }

  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

  Status put(std::map<Hash, std::string> blobs) {
    const std::lock_guard lock(mutex_);
    CHECK_OK(check_open());
    for (auto& [hash, bytes] : blobs) {
      if (used_meanwhile_) used_meanwhile_->insert(hash);
      blobs_[hash] = Blob{std::move(bytes), clock_.utc_now_ms()};
    }
    return {};
  }

 private:
  struct Blob {
    std::string bytes;
    UtcMs used_ms = 0;
  };

  Status check_open() const {
    if (closed_) return fail(errors::unavailable, "the content store is closed");
    return {};
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Hash, Blob> blobs_;
  uint64_t collections_ = 0;
  std::mutex removal_mutex_;                      // taken before mutex_
  std::optional<std::set<Hash>> used_meanwhile_;  // while a removal is under way
  bool closed_ = false;
};

class MemoryBlobWriter final : public BlobWriter {
 public:
  explicit MemoryBlobWriter(MemoryBlobStore& store) : store_(store) {}
  Status append(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  Result<Hash> finish(std::optional<Hash> expected) override {
    const Hash hash = Hash::of(bytes_);
    if (expected && *expected != hash) return mismatch(*expected, hash);
    std::map<Hash, std::string> blobs;
    blobs.emplace(hash, std::move(bytes_));
    CHECK_OK(store_.put(std::move(blobs)));
    return hash;
  }

 private:
  MemoryBlobStore& store_;
  std::string bytes_;
};

class MemoryBlobBatch final : public BlobBatch {
 public:
  explicit MemoryBlobBatch(MemoryBlobStore& store) : store_(store) {}
  Status put(const Hash& expected, std::string_view bytes) override {
    const Hash hash = Hash::of(bytes);
    if (expected != hash) return mismatch(expected, hash);
    blobs_.emplace(hash, bytes);
    return {};
  }
  Status commit() override { return store_.put(std::exchange(blobs_, {})); }

 private:
  MemoryBlobStore& store_;
  std::map<Hash, std::string> blobs_;
};

Result<std::unique_ptr<BlobWriter>> MemoryBlobStore::create() {
  const std::lock_guard lock(mutex_);
  CHECK_OK(check_open());
  return std::make_unique<MemoryBlobWriter>(*this);
}

Result<std::unique_ptr<BlobBatch>> MemoryBlobStore::create_batch() {
  const std::lock_guard lock(mutex_);
  CHECK_OK(check_open());
  return std::make_unique<MemoryBlobBatch>(*this);
}

}  // namespace

std::unique_ptr<BlobStore> make_memory_blob_store(const Clock& clock) { return std::make_unique<MemoryBlobStore>(clock); }

}  // namespace werkbank::content
