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

Result<IgnoreRules> read_ignore_rules(const std::string& root) {
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
    return IgnoreRules::parse(*text);
  }
  return IgnoreRules();
}

// What reading one file came to.
struct Reading {
  enum class Outcome { kKnown, kHashed, kGone, kUnreadable, kRestless, kFailed } outcome = Outcome::kKnown;
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

// Fills readings[i] for the files that the cache does not know.
void hash_files(const std::string& root, const std::vector<size_t>& unknown, unsigned threads_max, std::vector<FoundFile>& files,
                std::vector<Reading>& readings) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    std::string buffer(kReadBytes, '\0');
    for (size_t i = next++; i < unknown.size(); i = next++) {
      readings[unknown[i]] = read_and_hash(root, files[unknown[i]], buffer);
    }
  };
  std::vector<std::thread> helpers;
  const size_t thread_count = std::min<size_t>(std::max(1U, threads_max), (unknown.size() + 15) / 16);
  for (size_t i = 1; i < thread_count; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
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
  for (const SnapshotEntry& entry : manifest.entries) {
    bool holds_packages = false;
    const std::string_view folder = notable_folder(entry.path, holds_packages);
    if (folder.empty()) continue;
    Bulk& bulk = folders[folder];
    ++bulk.files;
    bulk.bytes += entry.size_bytes;
    bulk.holds_packages = holds_packages;
  }
  std::vector<std::string> named;
  for (const auto& [folder, bulk] : folders) {
    if (!bulk.holds_packages && bulk.bytes < kLooksLikeDataBytes) continue;
    named.push_back(fmt::format("{}/ ({}, {} {})", escape_snapshot_path(folder), human_size(bulk.bytes), bulk.files,
                                bulk.files == 1 ? "file" : "files"));
  }
  if (named.empty()) return;
  notes.push_back(
      fmt::format("the snapshot holds what looks like data or packages: {}; name it in .amlignore if the run does not need it",
                  name_some(named)));
}

// The hashes of all files, from the cache or read; files that are gone or unreadable are marked in `readings`.
std::vector<Reading> find_hashes(const std::string& root, const SnapshotCache& cache, const ScanOptions& options,
                                 std::vector<FoundFile>& files) {
  std::vector<Reading> readings(files.size());
  std::vector<size_t> unknown;
  for (size_t i = 0; i < files.size(); ++i) {
    if (const auto known = cache.find(files[i].stamp)) {
      readings[i].hash = *known;
    } else {
      unknown.push_back(i);
    }
  }
  if (!unknown.empty()) hash_files(root, unknown, options.hash_threads, files, readings);
  return readings;
}

Status add_entry(FoundFile& file, const Reading& reading, SnapshotScan& scan, std::vector<LeftOut>& left_out,
                 std::vector<KnownHash>& known) {
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
      ++scan.hashed_files;
      if (scan.hashed_files <= kHashedListed)
        scan.hashed.push_back(reading.hash);
      else
        scan.hashed.clear();
      scan.hashed_bytes += file.stamp.size_bytes;
      break;
    case Outcome::kKnown:
      break;
  }
  if (reading.may_be_remembered) known.push_back({file.stamp, reading.hash});
  scan.manifest.entries.push_back({std::move(file.path), reading.hash, file.stamp.size_bytes, file.executable});
  return {};
}

}  // namespace

Result<SnapshotScan> scan_folder(const std::filesystem::path& folder, const ScanOptions& options) {
  char* const resolved = ::realpath(folder.c_str(), nullptr);
  if (resolved == nullptr) {
    return fail(errors::snapshot_refused,
                fmt::format("the folder {} cannot be opened: {}", folder.string(), std::strerror(errno)),
                "Name an existing project folder.");
  }
  const std::string root(resolved);
  std::free(resolved);
  struct stat facts{};
  if (::stat(root.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return fail(errors::snapshot_refused, folder.string() + " is not a folder", "Name a project folder.");
  }
  TRY(const IgnoreRules rules, read_ignore_rules(root));
  FolderWalk walk(root, rules);
  CHECK_OK(walk.run());

  const bool remembers = !options.cache_folder.empty();
  const std::filesystem::path cache_file = options.cache_folder / ("snapshot-" + Hash::of(root).hex());
  SnapshotCache cache;
  if (remembers) cache = SnapshotCache::load(cache_file);
  std::vector<FoundFile> files = walk.take_files();
  const std::vector<Reading> readings = find_hashes(root, cache, options, files);
  SnapshotScan scan;
  std::vector<LeftOut> left_out = walk.left_out();
  std::vector<KnownHash> known;
  scan.manifest.entries.reserve(files.size());
  known.reserve(files.size());
  for (size_t i = 0; i < files.size(); ++i) CHECK_OK(add_entry(files[i], readings[i], scan, left_out, known));
  note_left_out(left_out, scan.notes);
  note_bulky_folders(scan.manifest, scan.notes);
  // A cache that cannot be written costs time at the next scan, nothing else.
  if (remembers) static_cast<void>(cache.replace(cache_file, std::move(known)));
  return scan;
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
