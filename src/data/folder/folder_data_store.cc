#include "data/folder/folder_data_store.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hh"
#include "base/hash.hh"

namespace werkbank::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPieceBytes = 1024 * 1024;
constexpr std::string_view kPartPrefix = ".werkbank-";

DataEntry entry_of(std::string path, const struct stat& facts) {
  return {.path = std::move(path),
          .size_bytes = static_cast<uint64_t>(facts.st_size),
          .etag = folder_etag(facts),
          .modified_ms = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000};
}

// The part of a folder's tree that begins with a prefix, in the order of paths, from after a cursor on.
class Walk {
 public:
  Walk(const fs::path& root, const std::string& prefix, const std::string& cursor, size_t page_entries)
      : root_(root), prefix_(prefix), cursor_(cursor), page_entries_(page_entries) {}

  Result<DataPage> page() {
    CHECK_OK(enter(""));
    return std::move(page_);
  }

 private:
  struct Name {
    std::string key;  // what it is sorted by: a folder stands where its files stand
    std::string path;
    bool is_folder = false;
  };

  // Neither what is in front of the prefix or the cursor nor what is behind the page has to be looked at.
  bool may_hold(const std::string& folder) const {
    const size_t common = std::min(folder.size(), prefix_.size());
    if (folder.compare(0, common, prefix_, 0, common) != 0) return false;
    return cursor_.empty() || cursor_.starts_with(folder) || folder > cursor_;
  }

  Result<std::vector<Name>> names_in(const std::string& below) const {
    std::vector<Name> names;
    std::error_code failure;
    fs::directory_iterator it(root_ / below, failure);
    if (failure && below.empty())
      return fail(errors::container_not_found, fmt::format("{}: {}", root_.string(), failure.message()));
    for (const fs::directory_iterator end; !failure && it != end; it.increment(failure)) {
      const std::string path = below + it->path().filename().string();
      if (it->path().filename().string().starts_with(kPartPrefix) || !RelativePath::parse(path)) continue;
      std::error_code ignored;
      const bool is_folder = it->symlink_status(ignored).type() == fs::file_type::directory;
      names.push_back({is_folder ? path + "/" : path, path, is_folder});
    }
    // Removed while it was read: what was there is listed.
    if (failure && failure != std::errc::no_such_file_or_directory)
      return fail(errors::io_failed, fmt::format("{}: {}", (root_ / below).string(), failure.message()));
    std::ranges::sort(names, {}, &Name::key);
    return names;
  }

  Status enter(const std::string& below) {
    TRY(const std::vector<Name> names, names_in(below));
    for (const Name& name : names) {
      if (!page_.next.empty()) return {};
      if (name.is_folder) {
        if (may_hold(name.key)) CHECK_OK(enter(name.key));
        continue;
      }
      if (!name.path.starts_with(prefix_) || (!cursor_.empty() && name.path <= cursor_)) continue;
      struct stat facts{};
      if (::stat((root_ / name.path).c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
      if (page_.entries.size() == page_entries_) {
        page_.next = page_.entries.back().path;
        return {};
      }
      page_.entries.push_back(entry_of(name.path, facts));
    }
    return {};
  }

  const fs::path& root_;
  const std::string& prefix_;
  const std::string& cursor_;
  const size_t page_entries_;
  DataPage page_;
};

class FolderDataStore final : public DataStore {
 public:
  FolderDataStore(fs::path folder, size_t page_entries) : folder_(std::move(folder)), page_entries_(page_entries) {}

  Status check(bool create) override {
    struct stat facts{};
    if (::stat(folder_.c_str(), &facts) != 0 && errno == ENOENT && create) {
      CHECK_OK(make_directories(folder_, 0777));
      return {};
    }
    if (::stat(folder_.c_str(), &facts) != 0)
      return fail(errors::container_not_found, fmt::format("{}: {}", folder_.string(), std::generic_category().message(errno)));
    if (!S_ISDIR(facts.st_mode)) return fail(errors::container_not_found, fmt::format("{} is no folder", folder_.string()));
    if (::access(folder_.c_str(), R_OK | X_OK) != 0)
      return fail(errors::storage_denied, fmt::format("{} may not be read by the server's user", folder_.string()),
                  "Give that user the right to read the folder.");
    return {};
  }

  Result<DataPage> list(const std::string& prefix, const std::string& cursor) override {
    return Walk(folder_, prefix, cursor, page_entries_).page();
  }

  Result<DataEntry> find(const std::string& path) override {
    TRY(const fs::path place, place_of(path));
    struct stat facts{};
    const bool found = ::stat(place.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
    if (!found) return missing(path);
    return entry_of(path, facts);
  }

  Status read(const std::string& path, const std::string& etag, uint64_t offset, const DataSink& sink) override {
    return read_range(path, etag, offset, UINT64_MAX, sink);
  }

  Status read_range(const std::string& path, const std::string& etag, uint64_t offset, uint64_t size_bytes,
                    const DataSink& sink) override {
    TRY(const fs::path place, place_of(path));
    if (!find(path)) return missing(path);
    const Result<Fd> file = open_file(place, O_RDONLY);
    if (!file) return file.error().code == &errors::not_found ? Status(missing(path)) : Status(fail(file.error()));
    const auto check_same = [&]() -> Status {
      struct stat facts{};
      const bool same = ::fstat(file->get(), &facts) == 0 && (etag.empty() || folder_etag(facts) == etag);
      return same ? Status() : fail(errors::data_changed, fmt::format("{} changed while it was read", path));
    };
    CHECK_OK(check_same());
    std::string piece(std::min(kPieceBytes, size_bytes), '\0');
    while (true) {
      const size_t wanted = std::min<uint64_t>(piece.size(), size_bytes);
      const ssize_t count = ::pread(file->get(), piece.data(), wanted, static_cast<off_t>(offset));
      if (count < 0) return fail(errno_error(errno, place.string()));
      if (count == 0) return check_same();
      CHECK_OK(sink(std::string_view(piece).substr(0, static_cast<size_t>(count))));
      offset += static_cast<uint64_t>(count);
      size_bytes -= static_cast<uint64_t>(count);
    }
  }

  Status write(const std::string& path, const DataSource& source, bool overwrite, const OnBytes& on_bytes) override {
    TRY(const fs::path place, place_of(path));
    const auto exists = [&path] { return fail(errors::already_exists, fmt::format("{} is there already", path)); };
    std::error_code ignored;
    if (!overwrite && fs::exists(place, ignored)) return exists();
    CHECK_OK(make_directories(place.parent_path(), 0777));
    const fs::path part = place.parent_path() / fmt::format("{}{}", kPartPrefix, random_hex(8));
    Status outcome = write_part(part, source, on_bytes);
    // link() fails where the name has come to be there meanwhile, rename() puts the new file in its place.
    const bool moved = outcome && (overwrite ? ::rename(part.c_str(), place.c_str()) : ::link(part.c_str(), place.c_str())) == 0;
    const int failure = errno;
    ::unlink(part.c_str());
    if (!outcome) return outcome;
    if (!moved) return !overwrite && failure == EEXIST ? Status(exists()) : Status(fail(errno_error(failure, place.string())));
    return sync_directory(place.parent_path());
  }

  Status remove(const std::string& path) override {
    TRY(const fs::path place, place_of(path));
    if (::unlink(place.c_str()) == 0) return {};
    if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) return missing(path);
    return fail(errno_error(errno, place.string()));
  }

 private:
  static std::unexpected<Error> missing(const std::string& path) {
    return fail(errors::not_found, fmt::format("there is no file {:?}", path));
  }

  Result<fs::path> place_of(const std::string& path) const {
    TRY(const RelativePath relative, RelativePath::parse(path));
    return relative.below(folder_);
  }

  static Status write_part(const fs::path& part, const DataSource& source, const OnBytes& on_bytes) {
    TRY(const Fd file, open_file(part, O_WRONLY | O_CREAT | O_EXCL, 0666));
    for (uint64_t offset = 0; offset < source.size_bytes;) {
      TRY(const std::string piece, source.read(offset, std::min(kPieceBytes, source.size_bytes - offset)));
      if (piece.empty()) return fail(errors::data_changed, "what is written became shorter meanwhile");
      CHECK_OK(write_all(file.get(), piece));
      offset += piece.size();
      if (on_bytes) on_bytes(piece.size());
    }
    if (::fsync(file.get()) != 0) return fail(errno_error(errno, part.string()));
    return {};
  }

  const fs::path folder_;
  const size_t page_entries_;
};

}  // namespace

std::string folder_etag(const struct stat& facts) {
  return fmt::format("{}-{}-{}-{}", facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

std::unique_ptr<DataStore> make_folder_data_store(std::filesystem::path folder, size_t page_entries) {
  return std::make_unique<FolderDataStore>(std::move(folder), page_entries);
}

}  // namespace werkbank::data
