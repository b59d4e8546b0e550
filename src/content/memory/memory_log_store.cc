#include "content/memory/memory_log_store.hh"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

namespace werkbank::content {
namespace {

class MemoryLogStore final : public LogStore {
 public:
  Task<Result<uint64_t>> append(LogKey key, uint64_t offset, std::string bytes) override {
    co_return append_and_tell(key, offset, bytes);
  }

  Result<uint64_t> size(const LogKey& key) override {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(key);
    return found == streams_.end() ? 0 : found->second.size();
  }

  Result<std::string> read(const LogKey& key, uint64_t offset, uint64_t size_max) override {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(key);
    if (found == streams_.end() || offset >= found->second.size()) return std::string();
    return found->second.substr(offset, size_max);
  }

  Result<std::vector<LogInfo>> list(const RunKey& run) override {
    const std::lock_guard lock(mutex_);
    std::vector<LogInfo> infos;
    for (const auto& [key, bytes] : streams_) {
      if (key.run == run) infos.push_back({key, bytes.size()});
    }
    std::ranges::sort(infos, {}, [](const LogInfo& info) { return std::tie(info.key.path, info.key.attempt, info.key.rank); });
    return infos;
  }

  Status scrub() override { return {}; }

  Status remove_run(const RunKey& run) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [&run](const auto& stream) { return stream.first.run == run; });
    return {};
  }

  void on_append(std::function<void(const LogKey&, uint64_t size)> listener) override { listener_ = std::move(listener); }

  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  Result<uint64_t> append_and_tell(const LogKey& key, uint64_t offset, std::string_view bytes) {
    // The listener hears of lengths in the order in which they came about, and may read meanwhile.
    const std::lock_guard order(append_mutex_);
    bool has_grown = false;
    auto outcome = append_now(key, offset, bytes, has_grown);
    if (has_grown && listener_) listener_(key, *outcome);
    return outcome;
  }

  Result<uint64_t> append_now(const LogKey& key, uint64_t offset, std::string_view bytes, bool& has_grown) {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(errors::unavailable, "the log store is closed");
    const auto found = streams_.find(key);
    const uint64_t length = found == streams_.end() ? 0 : found->second.size();
    if (offset > length) {
      return fail(errors::offset_conflict,
                  fmt::format("bytes at offset {} do not continue {:?}, which has {} bytes", offset, key.path, length));
    }
    const uint64_t known = length - offset;
    if (known >= bytes.size()) return length;
    std::string& stream = found == streams_.end() ? streams_[key] : found->second;
    stream += bytes.substr(known);
    has_grown = true;
    return stream.size();
  }

  std::mutex append_mutex_;  // taken before mutex_
  std::mutex mutex_;
  std::map<LogKey, std::string> streams_;
  std::function<void(const LogKey&, uint64_t)> listener_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<LogStore> make_memory_log_store() { return std::make_unique<MemoryLogStore>(); }

}  // namespace werkbank::content
