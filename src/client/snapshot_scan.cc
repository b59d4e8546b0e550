#include "client/snapshot_scan.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>

#include "base/files.hh"
#include "client/snapshot_cache.hh"
#include "client/snapshot_walk.hh"

namespace werkbank::client {
namespace {

constexpr uint64_t kLooksLikeDataBytes = 50'000'000;
constexpr size_t kNamedInNoteMax = 5;
constexpr size_t kReadBytes = 256 * 1024;
constexpr int kReadsMax = 3;

// The clock that stamps files.
int64_t file_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Files that are read again at each scan cost less than writing the cache anew, up to so many.
constexpr size_t kReadAgainMax = 16;
constexpr uint64_t kReadAgainBytesMax = 1 << 20;
constexpr size_t kChangesMax = 64;
// From so many unknown files on it is worth asking whether they were moved here with their folder.
constexpr size_t kMovedMin = 8;

struct RulesOfFolder {
  IgnoreRules rules;
  Hash id;
};

Result<RulesOfFolder> read_ignore_rules(const std::string& root) {
  for (const char* name : {".amlignore", ".gitignore"}) {
    const std::string path = root + '/' + name;
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0 && errno == ENOENT) continue;
    // A link into nothing, a folder, no permission: what the user wanted to keep out is unknown.
    auto text = read_file(path, 16 << 20);
    if (!text) {
      return fail(errors::snapshot_refused, fmt::format("{} cannot be read: {}", name, text.error().message),
                  "Correct or remove it: without it, nobody knows what to leave out.");
    }
    return RulesOfFolder{IgnoreRules::parse(*text), Hash::of(*text)};
  }
  return RulesOfFolder{IgnoreRules(), Hash::of("")};
}

// What reading one file came to.
struct Reading {
  enum class Outcome { kHashed, kGone, kUnreadable, kRestless, kFailed } outcome = Outcome::kGone;
  Hash hash;
  bool may_be_remembered = true;
  int error_number = 0;
};

Reading read_once(int fd, FoundFile& file, std::string& buffer) {
  struct stat before{}, after{};
  const int64_t started_ns = file_clock_ns();
  if (::fstat(fd, &before) != 0) return {.outcome = Reading::Outcome::kFailed, .error_number = errno};
  if (!S_ISREG(before.st_mode)) return {.outcome = Reading::Outcome::kRestless};
  Hasher hasher;
  for (uint64_t offset = 0;;) {
    const ssize_t count = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {.outcome = Reading::Outcome::kFailed, .error_number = errno};
    if (count == 0) break;
    hasher.update({buffer.data(), static_cast<size_t>(count)});
    offset += static_cast<uint64_t>(count);
  }
  if (::fstat(fd, &after) != 0) return {.outcome = Reading::Outcome::kFailed, .error_number = errno};
  file.stamp = FileStamp::of(after);
  file.executable = (after.st_mode & S_IXUSR) != 0;
  if (FileStamp::of(before) != file.stamp) return {.outcome = Reading::Outcome::kRestless};
  return {.outcome = Reading::Outcome::kHashed,
          .hash = hasher.finish(),
          .may_be_remembered = file.stamp.tells_changes_after(started_ns)};
}

Reading read_and_hash(const std::string& root, FoundFile& file, std::string& buffer) {
  // O_NONBLOCK: a pipe that took the file's place meanwhile must not hold us.
  const Fd fd(::open((root + '/' + file.path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    if (errno == ENOENT) return {.outcome = Reading::Outcome::kGone};
    if (errno == EACCES || errno == EPERM) return {.outcome = Reading::Outcome::kUnreadable, .error_number = errno};
    return {.outcome = Reading::Outcome::kFailed, .error_number = errno};
  }
  Reading reading;
  for (int i = 0; i < kReadsMax; ++i) {
    reading = read_once(fd.get(), file, buffer);
    if (reading.outcome != Reading::Outcome::kRestless) break;
  }
  return reading;
}

// Reads files by several threads; the outcomes are in their order.
std::vector<Reading> read_files(const std::string& root, const std::vector<FoundFile*>& files, unsigned threads_max) {
  std::vector<Reading> readings(files.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    std::string buffer(kReadBytes, '\0');
    for (size_t i = next++; i < files.size(); i = next++) readings[i] = read_and_hash(root, *files[i], buffer);
  };
  std::vector<std::thread> helpers;
  const size_t thread_count = std::min<size_t>(std::max(1U, threads_max), (files.size() + 15) / 16);
  for (size_t i = 1; i < thread_count; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return readings;
}

std::string human_size(uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, kUnits[unit]);
}

std::string name_some(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamedInNoteMax); ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kNamedInNoteMax) text += fmt::format(" and {} more", names.size() - kNamedInNoteMax);
  return text;
}

// One line for each reason, in the order in which the reasons first came up.
void note_left_out(const std::vector<LeftOut>& left_out, std::vector<std::string>& notes) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const LeftOut& one : left_out) {
    auto found = std::ranges::find(by_reason, one.why, [](const auto& group) { return group.first; });
    if (found == by_reason.end()) found = by_reason.insert(found, {one.why, {}});
    found->second.push_back(escape_snapshot_path(one.path));
  }
  for (const auto& [why, names] : by_reason)
    notes.push_back(fmt::format("left out of the snapshot: {}: {}", name_some(names), why));
}

// The folder of installed packages that a path lies in, or its top folder; empty for a file in the root.
std::string_view notable_folder(std::string_view path, bool& holds_packages) {
  constexpr std::string_view kPackageFolders[] = {"node_modules", "site-packages", "venv", ".venv"};
  size_t top = std::string_view::npos;
  for (size_t start = 0;;) {
    const size_t slash = path.find('/', start);
    if (slash == std::string_view::npos) break;
    if (top == std::string_view::npos) top = slash;
    if (std::ranges::find(kPackageFolders, path.substr(start, slash - start)) != std::end(kPackageFolders)) {
      holds_packages = true;
      return path.substr(0, slash);
    }
    start = slash + 1;
  }
  return top == std::string_view::npos ? std::string_view() : path.substr(0, top);
}

void note_bulky_folders(const SnapshotManifest& manifest, std::vector<std::string>& notes) {
  struct Bulk {
    uint64_t files = 0, bytes = 0;
    bool holds_packages = false;
  };
  std::map<std::string_view, Bulk> folders;
  Bulk* bulk = nullptr;         // of the file before: most files lie where that one does
  std::string_view its_folder;  // and where that is
  for (const SnapshotEntry& entry : manifest.entries) {
    const std::string_view path = entry.path;
    const std::string_view around = path.substr(0, path.find_last_of('/') + 1);  // npos + 1 is 0
    if (around.empty()) continue;
    if (bulk == nullptr || around != its_folder) {
      bool holds_packages = false;
      bulk = &folders[notable_folder(path, holds_packages)];
      bulk->holds_packages = holds_packages;
      its_folder = around;
    }
    ++bulk->files;
    bulk->bytes += entry.size_bytes;
  }
  std::vector<std::string> named;
  for (const auto& [folder, sum] : folders) {
    if (!sum.holds_packages && sum.bytes < kLooksLikeDataBytes) continue;
    named.push_back(fmt::format("{}/ ({}, {} {})", escape_snapshot_path(folder), human_size(sum.bytes), sum.files,
                                sum.files == 1 ? "file" : "files"));
  }
  if (named.empty()) return;
  notes.push_back(
      fmt::format("the snapshot holds what looks like data or packages: {}; name it in .amlignore if the run does not need it",
                  name_some(named)));
}

// Reads the files that the cache does not vouch for, and gives each file what is known of it now: `readings` are those of the
// files in `unknown`, which stay in their order.
std::vector<Reading> read_unknown(const std::string& root, const SnapshotCache& cache, unsigned threads,
                                  const std::vector<FoundFile*>& files, std::vector<FoundFile*>& unknown) {
  for (FoundFile* const file : files) {
    if (file->known != nullptr && file->known->stamp == file->stamp) {
      file->unchanged = file->known;
    } else {
      unknown.push_back(file);
    }
  }
  if (unknown.size() >= kMovedMin && !cache.empty()) {
    const SnapshotCache::ByStamp by_stamp = cache.by_stamp();
    std::erase_if(unknown, [&by_stamp](FoundFile* file) {
      file->unchanged = by_stamp.find(file->stamp);
      return file->unchanged != nullptr;
    });
  }
  return read_files(root, unknown, threads);
}

// What the scan comes to: files with their hashes become entries, and are held against what the cache knows.
class Assembly {
 public:
  Assembly(const SnapshotCache& cache, size_t file_count) : cache_(cache) {
    scan_.manifest.entries.reserve(file_count);
    scan_.stamps.reserve(file_count);
  }

  void add_known(FoundFile& file) { add_entry(file, file.unchanged->hash, true); }
  Status add_read(FoundFile& file, const Reading& reading, std::vector<LeftOut>& left_out);
  // The rest of the scan, all but its notes.
  SnapshotScan finish(std::filesystem::path cache_file, const Hash& rules);

 private:
  void add_entry(FoundFile& file, const Hash& hash, bool may_be_remembered);
  std::vector<std::string> removed() const;

  const SnapshotCache& cache_;
  SnapshotScan scan_;
  std::vector<size_t> put_;            // entries that are not as the cache has them
  std::vector<const KnownFile*> met_;  // what the cache has under the paths of entries
};

Status Assembly::add_read(FoundFile& file, const Reading& reading, std::vector<LeftOut>& left_out) {
  using Outcome = Reading::Outcome;
  switch (reading.outcome) {
    case Outcome::kGone:
      return {};
    case Outcome::kUnreadable:
      left_out.push_back({std::move(file.path), fmt::format("cannot be read ({})", std::strerror(reading.error_number))});
      return {};
    case Outcome::kFailed:
      return fail(errno_error(reading.error_number, "cannot read " + escape_snapshot_path(file.path)));
    case Outcome::kRestless:
      return fail(errors::snapshot_refused, fmt::format("{:?} changes while it is read", escape_snapshot_path(file.path)),
                  "Wait until it is complete, or exclude it in .amlignore.");
    case Outcome::kHashed:
      ++scan_.hashed_files;
      scan_.hashed_bytes += file.stamp.size_bytes;
      break;
  }
  add_entry(file, reading.hash, reading.may_be_remembered);
  return {};
}

void Assembly::add_entry(FoundFile& file, const Hash& hash, bool may_be_remembered) {
  const KnownFile* const known = file.known;
  if (known != nullptr) met_.push_back(known);
  const bool is_as_known = known != nullptr && known->hash == hash && (known->executable != 0) == file.executable;
  if (!is_as_known) put_.push_back(scan_.manifest.entries.size());
  scan_.stamps.push_back(file.stamp);
  if (!may_be_remembered) scan_.stamps.back().inode = 0;
  scan_.manifest.entries.push_back({std::move(file.path), hash, file.stamp.size_bytes, file.executable});
}

std::vector<std::string> Assembly::removed() const {
  std::vector<std::string> paths;
  if (met_.size() == cache_.files().size()) return paths;
  std::vector<bool> is_met(cache_.files().size());
  for (const KnownFile* known : met_) is_met[static_cast<size_t>(known - cache_.files().data())] = true;
  for (size_t i = 0; i < is_met.size(); ++i) {
    if (!is_met[i]) paths.push_back(cache_.path_of(i));
  }
  std::ranges::sort(paths);
  return paths;
}

SnapshotScan Assembly::finish(std::filesystem::path cache_file, const Hash& rules) {
  scan_.cache_file = std::move(cache_file);
  scan_.rules = rules;
  if (!cache_.empty()) scan_.changes = ManifestChanges{cache_.manifest(), std::move(put_), removed()};
  if (scan_.cache_file.empty()) return std::move(scan_);
  const bool is_worth_remembering = !scan_.changes || cache_.rules() != rules || scan_.hashed_files > kReadAgainMax ||
                                    scan_.hashed_bytes > kReadAgainBytesMax ||
                                    scan_.changes->put.size() + scan_.changes->removed.size() > kChangesMax;
  if (is_worth_remembering && !(scan_.manifest.entries.empty() && cache_.empty())) {
    scan_.written = manifest_text(scan_.manifest);
    remember(scan_, scan_.written->id);
  }
  return std::move(scan_);
}

Result<std::string> resolve_folder(const std::filesystem::path& folder) {
  char* const resolved = ::realpath(folder.c_str(), nullptr);
  if (resolved == nullptr) {
    return fail(errors::snapshot_refused,
                fmt::format("the folder {} cannot be opened: {}", folder.string(), std::strerror(errno)),
                "Name an existing project folder.");
  }
  std::string root(resolved);
  std::free(resolved);
  struct stat facts{};
  if (::stat(root.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return fail(errors::snapshot_refused, folder.string() + " is not a folder", "Name a project folder.");
  }
  return root;
}

}  // namespace

Result<SnapshotScan> scan_folder(const std::filesystem::path& folder, const ScanOptions& options) {
  TRY(const std::string root, resolve_folder(folder));
  TRY(const RulesOfFolder rules, read_ignore_rules(root));
  const unsigned threads = options.threads > 0 ? options.threads : std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  std::filesystem::path cache_file;
  SnapshotCache cache;
  if (!options.cache_folder.empty()) {
    cache_file = options.cache_folder / ("snapshot-" + Hash::of(root).hex());
    cache = SnapshotCache::load(cache_file);
  }
  FolderWalk walk(root, rules.rules, {.cache = &cache, .has_same_rules = cache.rules() == rules.id, .threads = threads});
  CHECK_OK(walk.run());
  std::vector<LeftOut> left_out = walk.left_out();
  std::vector<FoundFile*> unknown;
  const std::vector<Reading> readings = read_unknown(root, cache, threads, walk.files(), unknown);
  Assembly assembly(cache, walk.files().size());
  size_t next_reading = 0;
  for (FoundFile* const file : walk.files()) {
    if (file->unchanged != nullptr) {
      assembly.add_known(*file);
    } else {
      CHECK_OK(assembly.add_read(*file, readings[next_reading++], left_out));
    }
  }
  SnapshotScan scan = assembly.finish(std::move(cache_file), rules.id);
  note_left_out(left_out, scan.notes);
  note_bulky_folders(scan.manifest, scan.notes);
  return scan;
}

ManifestText manifest_text(const SnapshotManifest& manifest) {
  ManifestText written{manifest.to_text(), {}};
  written.id = Hash::of(written.text);
  return written;
}

void remember(const SnapshotScan& scan, const Hash& id) {
  if (scan.cache_file.empty()) return;
  std::vector<FileToRemember> files;
  files.reserve(scan.stamps.size());
  for (size_t i = 0; i < scan.stamps.size(); ++i) {
    const SnapshotEntry& entry = scan.manifest.entries[i];
    files.push_back({entry.path, scan.stamps[i], entry.hash, entry.executable});
  }
  static_cast<void>(SnapshotCache::write(scan.cache_file, files, scan.rules, id));
}

std::filesystem::path default_cache_folder(const std::map<std::string, std::string>& environment) {
  const auto value = [&environment](const char* name) {
    const auto found = environment.find(name);
    return std::filesystem::path(found == environment.end() ? std::string() : found->second);
  };
  if (const auto home = value("WERKBANK_HOME"); !home.empty()) return home / "cache";
  if (const auto cache = value("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "werkbank";
  if (const auto home = value("HOME"); home.is_absolute()) return home / ".cache" / "werkbank";
  return {};
}

}  // namespace werkbank::client
