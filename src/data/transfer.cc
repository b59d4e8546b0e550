#include "data/transfer.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <thread>

#include "base/files.hh"
#include "base/hash.hh"
#include "data/content_hash.hh"
#include "data/shown_path.hh"

namespace werkbank::data {
namespace {

namespace fs = std::filesystem;

struct FileFacts {
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileFacts&) const = default;
};

Result<FileFacts> facts_of(int fd, const fs::path& file) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return fail(errno_error(errno, file.string()));
  return FileFacts{static_cast<uint64_t>(facts.st_size), facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec};
}

// Hands the items out to threads, notes the first failure, and tells of steps one at a time.
class Crew {
 public:
  using Carry = std::function<Result<bool>(DataStore&, const TransferItem&)>;  // false: skipped

  Crew(const std::vector<TransferItem>& items, const TransferOptions& options, Carry carry)
      : items_(items), options_(options), carry_(std::move(carry)) {}

  Result<TransferCount> run() {
    const size_t count = std::clamp<size_t>(options_.threads, 1, std::max<size_t>(items_.size(), 1));
    std::vector<std::thread> threads;
    for (size_t i = 1; i < count; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) return fail(std::move(*failure_));
    return count_;
  }

  void add_bytes(uint64_t count) {
    const std::lock_guard guard(mutex_);
    options_.on_bytes(count);
  }

 private:
  const TransferItem* next() {
    const std::lock_guard guard(mutex_);
    return failure_ || begun_ == items_.size() ? nullptr : &items_[begun_++];
  }

  void work() {
    Result<std::unique_ptr<DataStore>> store = options_.open();
    if (!store) return note_failure(store.error());
    while (const TransferItem* const item = next()) {
      {
        const std::lock_guard guard(mutex_);
        options_.on_step(TransferStep::kStarted, *item);
      }
      Result<bool> carried = persist(**store, *item);
      if (!carried) return note_failure(fail_in(shown_path(item->path), std::move(carried).error()).error());
      const std::lock_guard guard(mutex_);
      ++(*carried ? count_.done : count_.skipped);
      options_.on_step(*carried ? TransferStep::kDone : TransferStep::kSkipped, *item);
    }
  }

  Result<bool> persist(DataStore& store, const TransferItem& item) {
    auto pause = options_.pause;
    for (int attempt = 1;; ++attempt) {
      Result<bool> carried = carry_(store, item);
      // A disk that is full here stays full.
      const bool may_pass =
          !carried && (carried.error().code == &errors::storage_unavailable || carried.error().code == &errors::unavailable);
      if (!may_pass || attempt >= options_.attempts) return carried;
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
  }

  void note_failure(Error error) {
    const std::lock_guard guard(mutex_);
    if (!failure_) failure_ = std::move(error);
  }

  const std::vector<TransferItem>& items_;
  const TransferOptions& options_;
  const Carry carry_;
  std::mutex mutex_;
  size_t begun_ = 0;
  TransferCount count_;
  std::optional<Error> failure_;
};

Result<std::string> path_below(const std::string& target, const std::string& rest) {
  std::string_view folder = target;
  while (folder.ends_with('/')) folder.remove_suffix(1);
  while (folder.starts_with("./")) folder.remove_prefix(2);
  while (folder.starts_with('/')) folder.remove_prefix(1);
  if (folder == ".") folder = {};
  const std::string path = folder.empty() ? rest : fmt::format("{}/{}", folder, rest);
  TRY(const RelativePath checked, RelativePath::parse(path));
  return checked.text();
}

Result<TransferItem> upload_of(const fs::path& file, std::string path) {
  TRY(const Fd opened, open_file(file, O_RDONLY | O_NONBLOCK));
  TRY(const FileFacts facts, facts_of(opened.get(), file));
  return TransferItem{std::move(path), file, facts.size_bytes, {}};
}

Status refuse_doubles(const std::vector<TransferItem>& items) {
  std::set<std::string_view> paths;
  for (const TransferItem& item : items) {
    if (paths.insert(item.path).second) continue;
    return fail(errors::already_exists, fmt::format("two of the files would be {:?} in the datastore", item.path),
                "Name the folder that their paths count from: --relative-root (relative_root).");
  }
  return {};
}

// Two etags differ in the name, so that a part file continues what it began with.
fs::path part_of(const TransferItem& item) {
  const std::string mark = Hash::of(item.path + "\n" + item.etag).hex().substr(0, 16);
  return item.file.parent_path() / fmt::format(".werkbank-{}.part", mark);
}

Result<uint64_t> begin_part(const Fd& part, const fs::path& file, uint64_t size_max) {
  TRY(const FileFacts facts, facts_of(part.get(), file));
  if (facts.size_bytes <= size_max) return facts.size_bytes;
  if (::ftruncate(part.get(), 0) != 0) return fail(errno_error(errno, file.string()));
  return 0;
}

Status fetch(DataStore& store, const TransferItem& item, const OnBytes& on_bytes) {
  CHECK_OK(make_directories(item.file.parent_path(), 0777));
  const fs::path part = part_of(item);
  Status outcome;
  {
    TRY(const Fd file, open_file(part, O_WRONLY | O_CREAT | O_APPEND, 0666));
    // Without an etag nobody knows whether it is still the same content.
    TRY(uint64_t have, begin_part(file, part, item.etag.empty() ? 0 : item.size_bytes));
    on_bytes(have);
    if (have < item.size_bytes) {
      outcome = store.read(item.path, item.etag, have, [&](std::string_view piece) -> Status {
        CHECK_OK(write_all(file.get(), piece));
        have += piece.size();
        on_bytes(piece.size());
        return {};
      });
      if (outcome && have != item.size_bytes)
        outcome = fail(errors::data_changed, fmt::format("{} bytes came in place of {}", have, item.size_bytes));
    }
  }
  if (outcome) outcome = check_content(part, item.hash);
  std::error_code failure;
  const bool goes_on = !outcome && outcome.error().kind() == ErrorKind::kUnavailable &&
                       outcome.error().code != &errors::disk_full;  // a part that fills a disk helps nobody
  if (!outcome && !goes_on) fs::remove(part, failure);
  if (!outcome) return outcome;
  fs::rename(part, item.file, failure);
  if (failure) return fail(errors::io_failed, fmt::format("{}: {}", item.file.string(), failure.message()));
  return {};
}

Status check_room(const std::vector<TransferItem>& items, bool overwrite) {
  uint64_t needed = 0;
  std::error_code ignored;
  uint64_t replaced_max = 0;  // the old file and the new one are there together for a moment
  for (const TransferItem& item : items) {
    const bool is_there = fs::exists(item.file, ignored);
    if (is_there && !overwrite) continue;
    const uint64_t old_bytes = is_there ? std::min<uint64_t>(fs::file_size(item.file, ignored), item.size_bytes) : 0;
    needed += item.size_bytes - old_bytes;
    replaced_max = std::max(replaced_max, old_bytes);
  }
  needed += replaced_max;
  if (items.empty()) return {};
  fs::path folder = fs::absolute(items.front().file).parent_path();
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  const fs::space_info space = fs::space(folder, ignored);
  if (ignored || needed <= space.available) return {};
  return fail(errors::disk_full,
              fmt::format("{} needs {} bytes, and its file system has {}", folder.string(), needed, space.available));
}

}  // namespace

Result<std::vector<TransferItem>> find_uploads(const fs::path& folder, const std::string& target) {
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) return fail(errors::not_found, fmt::format("there is no folder {}", folder.string()));
  std::vector<TransferItem> items;
  fs::recursive_directory_iterator it(folder, failure);
  for (const fs::recursive_directory_iterator end; !failure && it != end; it.increment(failure)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    TRY(std::string path, path_below(target, it->path().lexically_relative(folder).generic_string()));
    TRY(TransferItem item, upload_of(it->path(), std::move(path)));
    items.push_back(std::move(item));
  }
  if (failure) return fail(errors::io_failed, fmt::format("{}: {}", folder.string(), failure.message()));
  std::ranges::sort(items, {}, &TransferItem::path);
  return items;
}

Result<std::vector<TransferItem>> find_uploads(const std::vector<fs::path>& files, const fs::path& relative_root,
                                               const std::string& target) {
  std::error_code failure;
  std::vector<fs::path> absolute;
  for (const fs::path& file : files) {
    if (!fs::is_regular_file(file, failure)) return fail(errors::not_found, fmt::format("there is no file {}", file.string()));
    absolute.push_back(fs::absolute(file).lexically_normal());
  }
  fs::path root = relative_root.empty() ? fs::path() : (fs::absolute(relative_root).lexically_normal() / "").parent_path();
  if (relative_root.empty() && !absolute.empty()) {
    root = absolute.front().parent_path();
    const auto holds_all = [&] {
      return std::ranges::all_of(absolute,
                                 [&](const fs::path& file) { return std::ranges::mismatch(root, file).in1 == root.end(); });
    };
    while (!holds_all()) root = root.parent_path();
  }
  std::vector<TransferItem> items;
  for (const fs::path& file : absolute) {
    const std::string below = file.lexically_relative(root).generic_string();
    if (below.starts_with("..")) {
      return fail(errors::path_refused, fmt::format("{} does not lie in {}", file.string(), root.string()),
                  "relative_root is a folder that all of the files lie in.");
    }
    TRY(std::string path, path_below(target, below));
    TRY(TransferItem item, upload_of(file, std::move(path)));
    items.push_back(std::move(item));
  }
  CHECK_OK(refuse_doubles(items));
  return items;
}

Result<std::vector<TransferItem>> find_downloads(DataStore& store, const std::string& path, const fs::path& folder) {
  std::string prefix = path;
  while (prefix.starts_with("./")) prefix.erase(0, 2);
  while (prefix.starts_with('/')) prefix.erase(0, 1);
  if (prefix == ".") prefix.clear();
  std::vector<TransferItem> items;
  CHECK_OK(each_entry(store, prefix, [&](DataEntry entry) -> Status {
    const bool is_below =
        prefix.empty() || prefix.ends_with('/') || entry.path.size() == prefix.size() || entry.path[prefix.size()] == '/';
    // Folders as some tools of object stores mark them.
    if (!is_below || entry.path.ends_with('/')) return {};
    // The storage's word decides no place on this disk: the path is checked here as well.
    TRY(const RelativePath relative, RelativePath::parse(entry.path));
    items.push_back({entry.path, relative.below(folder), entry.size_bytes, std::move(entry.etag)});
    return {};
  }));
  return items;
}

Result<TransferCount> upload(const std::vector<TransferItem>& items, const TransferOptions& options) {
  Crew* crew = nullptr;
  const auto carry = [&](DataStore& store, const TransferItem& item) -> Result<bool> {
    TRY(const Fd file, open_file(item.file, O_RDONLY));
    TRY(const FileFacts before, facts_of(file.get(), item.file));
    const auto changed = [&item] { return fail(errors::data_changed, fmt::format("{} changed meanwhile", item.file.string())); };
    DataSource source{item.size_bytes, [&](uint64_t offset, uint64_t size) -> Result<std::string> {
                        std::string piece(size, '\0');
                        const ssize_t count = ::pread(file.get(), piece.data(), size, static_cast<off_t>(offset));
                        if (count < 0) return fail(errno_error(errno, item.file.string()));
                        TRY(const FileFacts now, facts_of(file.get(), item.file));
                        if (static_cast<uint64_t>(count) != size || now != before) return changed();
                        return piece;
                      }};
    if (before.size_bytes != item.size_bytes) return changed();
    const Status written = store.write(item.path, source, options.overwrite, [&](uint64_t count) { crew->add_bytes(count); });
    if (!written && written.error().code == &errors::already_exists && !options.overwrite) return false;
    if (!written) return fail(written.error());
    return true;
  };
  Crew at_work(items, options, carry);
  crew = &at_work;
  return at_work.run();
}

Result<TransferCount> download(const std::vector<TransferItem>& items, const TransferOptions& options) {
  CHECK_OK(check_room(items, options.overwrite));
  Crew* crew = nullptr;
  const auto carry = [&](DataStore& store, const TransferItem& item) -> Result<bool> {
    std::error_code ignored;
    if (!options.overwrite && fs::exists(item.file, ignored)) return false;
    CHECK_OK(fetch(store, item, [&](uint64_t count) { crew->add_bytes(count); }));
    return true;
  };
  Crew at_work(items, options, carry);
  crew = &at_work;
  return at_work.run();
}

}  // namespace werkbank::data
