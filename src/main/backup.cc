#include "main/backup.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "base/clock.hh"
#include "base/files.hh"
#include "base/json.hh"
#include "main/home.hh"
#include "store/sqlite/sqlite_series_store.hh"
#include "store/sqlite/sqlite_store.hh"

namespace werkbank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "backup.json";
constexpr int64_t kFormat = 1;
// Below the home, as Home knows them; what is not named here is made again when it is needed.
constexpr const char* kRecords = "db/werkbank.db";
constexpr const char* kSeries = "series/series.db";
constexpr const char* kVaultKey = "vault.key";
constexpr const char* kInstallation = "installation";  // marked again at the next start, by what the records say
constexpr const char* kData = "datastores";

bool is_there(const fs::path& path) {
  struct stat facts{};
  return ::lstat(path.c_str(), &facts) == 0;
}

// As long as it is at the beginning: a log may grow meanwhile.
Result<uint64_t> copy_file(const fs::path& from, const fs::path& to, int mode) {
  TRY(const Fd source, open_file(from, O_RDONLY | O_NOFOLLOW));
  struct stat facts{};
  if (::fstat(source.get(), &facts) != 0) return fail(errno_error(errno, from.string()));
  TRY(const Fd target, open_file(to, O_WRONLY | O_CREAT | O_EXCL, mode));
  auto left = static_cast<uint64_t>(facts.st_size);
  while (left > 0) {
    const ssize_t count = ::sendfile(target.get(), source.get(), nullptr, std::min<uint64_t>(left, 1 << 30));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, fmt::format("cannot copy {} to {}", from.string(), to.string())));
    if (count == 0) break;  // cut meanwhile
    left -= static_cast<uint64_t>(count);
  }
  if (::fsync(target.get()) != 0) return fail(errno_error(errno, "cannot sync " + to.string()));
  return static_cast<uint64_t>(facts.st_size) - left;
}

Result<uint64_t> link_or_copy(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    std::error_code unknown;
    const uint64_t size = fs::file_size(to, unknown);
    return unknown ? 0 : size;
  }
  return copy_file(from, to, 0400);
}

using CopyFile = std::function<Result<uint64_t>(const fs::path& from, const fs::path& to)>;

// Hidden files, locks, and what is on its way in.
bool is_passing(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  return name == "tmp" || name.starts_with('.') || name.ends_with(".lock") || name.ends_with(".new");
}

// In the users' own data nothing but what the server itself puts there for a moment, and links to other places.
bool is_passing_in_data(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code ignored;
  return name == ".incoming" || name.starts_with(".werkbank-") || entry.is_symlink(ignored);
}

// Files below `folder`, at any depth, but those that pass. One that goes meanwhile is not missed.
Result<uint64_t> copy_tree(const fs::path& folder, const fs::path& target, const CopyFile& copy,
                           bool (*passes)(const fs::directory_entry&) = is_passing) {
  CHECK_OK(make_directories(target));
  uint64_t bytes = 0;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    const fs::path& path = entry->path();
    const std::string name = path.filename().string();
    if (passes(*entry)) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      TRY(const uint64_t some, copy_tree(path, target / name, copy, passes));
      bytes += some;
      continue;
    }
    if (!entry->is_regular_file(ignored)) continue;
    Result<uint64_t> size = copy(path, target / name);
    if (!size && size.error().code == &errors::not_found) continue;
    if (!size) return fail(std::move(size).error());
    bytes += *size;
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return fail(errors::io_failed, fmt::format("cannot list {}: {}", folder.string(), failed.message()));
  CHECK_OK(sync_directory(target));
  return bytes;
}

Result<uint64_t> copy_database(const fs::path& from, const fs::path& to) {
  if (!is_there(from)) return 0;
  CHECK_OK(make_directories(to.parent_path()));
  CHECK_OK(store::copy_sqlite_file(from, to));
  std::error_code unknown;
  const uint64_t size = fs::file_size(to, unknown);
  return unknown ? 0 : size;
}

Status check_target(const fs::path& target) {
  std::error_code failed;
  if (!is_there(target)) return make_directories(target);
  if (!fs::is_directory(target, failed)) return fail(errors::already_exists, fmt::format("{} is not a folder", target.string()));
  if (fs::is_empty(target, failed) && !failed) return {};
  return fail(errors::already_exists, fmt::format("{} is not empty", target.string()), "Name a new folder for each backup.");
}

// Opens what was copied: a damaged backup is told before anything is moved.
Status check_copied(const fs::path& incoming) {
  if (is_there(incoming / kRecords)) {
    TRY(const auto records, store::open_sqlite_store(incoming / kRecords));
    records->close();
  }
  if (is_there(incoming / kSeries)) {
    TRY(const auto series, store::open_sqlite_series_store(incoming / "series"));
    series->close();
  }
  return {};
}

bool holds_a_file(const fs::path& folder) {
  std::error_code failed;
  for (auto entry = fs::recursive_directory_iterator(folder, failed); !failed && entry != fs::recursive_directory_iterator();
       entry.increment(failed)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) return true;
  }
  return false;
}

Status refuse_installation(const Home& home, bool replace) {
  if (replace || !is_there(home.records())) return {};
  return fail(errors::already_exists, fmt::format("{} holds an installation", home.folder().string()),
              "With --replace it is moved aside; or choose another home with WERKBANK_HOME=….");
}

Status move_part(const fs::path& from, const fs::path& to) {
  if (!is_there(from)) return {};
  CHECK_OK(make_directories(to.parent_path()));
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail(errno_error(errno, fmt::format("cannot move {} to {}", from.string(), to.string())));
}

Status exchange(const fs::path& home, const fs::path& incoming, const fs::path& aside, const std::vector<const char*>& leaving,
                const std::vector<const char*>& coming) {
  for (const char* const part : leaving) CHECK_OK(move_part(home / part, aside / part));
  for (const char* const part : coming) CHECK_OK(move_part(incoming / part, home / part));
  CHECK_OK(sync_directory(home));
  return remove_tree(incoming);
}

// The records leave first and come last: at no moment does the home hold records whose content is not there.
Result<fs::path> take_over(const Home& home, const fs::path& incoming, const std::vector<const char*>& leaving,
                           const std::vector<const char*>& coming) {
  const fs::path aside = home.folder() / fmt::format("replaced-{}", system_clock().utc_now_ms());
  if (Status done = exchange(home.folder(), incoming, aside, leaving, coming); !done) {
    return fail_in(fmt::format("the restore was broken off; what was there before lies in {}", aside.string()),
                   std::move(done).error());
  }
  if (holds_a_file(aside)) return aside;
  CHECK_OK(remove_tree(aside));  // the folders of a home that was never used
  return fs::path();
}

Status copy_backup(const fs::path& backup, const fs::path& incoming) {
  CHECK_OK(make_directories(incoming));
  const CopyFile copy = [](const fs::path& from, const fs::path& to) { return copy_file(from, to, 0600); };
  for (const char* const part : {"series", "content/logs", "db"}) CHECK_OK(copy_tree(backup / part, incoming / part, copy));
  CHECK_OK(copy_tree(backup / kData, incoming / kData, copy, is_passing_in_data));
  CHECK_OK(copy_tree(backup / "content" / "blobs", incoming / "content" / "blobs", link_or_copy));
  if (is_there(backup / kVaultKey)) CHECK_OK(copy_file(backup / kVaultKey, incoming / kVaultKey, 0600));
  return check_copied(incoming);
}

Status copy_records(const fs::path& file, const fs::path& incoming) {
  CHECK_OK(make_directories((incoming / kRecords).parent_path()));
  CHECK_OK(copy_file(file, incoming / kRecords, 0600));
  return check_copied(incoming);
}

Status check_manifest(const fs::path& backup) {
  const Result<std::string> text = read_file(backup / kManifest, 1 << 20);
  const Result<json::value> document = text ? parse_json(*text) : Result<json::value>(fail(text.error()));
  if (document) {
    JsonReader reader(*document, kManifest);
    const int64_t format = reader.int_or("format", 0, 0, INT64_MAX);
    if (reader.finish(false) && format == kFormat) return {};
    if (format > kFormat) return fail(errors::store_newer, fmt::format("{} was made by a newer Werkbank", backup.string()));
  }
  return fail(errors::not_found, fmt::format("{} is not a whole backup: it has no {}", backup.string(), kManifest),
              "Name a folder that `werkbank backup` made to its end, or a file backups/werkbank-….db.");
}

}  // namespace

Result<uint64_t> back_up_home(const fs::path& home, const fs::path& target) {
  if (!is_there(home / kRecords)) {
    return fail(errors::not_found, fmt::format("{} holds no installation", home.string()), "Set WERKBANK_HOME to the home.");
  }
  CHECK_OK(check_target(target));
  const CopyFile copy = [](const fs::path& from, const fs::path& to) { return copy_file(from, to, 0600); };
  // The segments before the database that takes them in, and records before the content that they name: whatever moves or comes
  // meanwhile is in one of the two.
  const CopyFile copy_segment = [&](const fs::path& from, const fs::path& to) -> Result<uint64_t> {
    if (from.filename().string().starts_with("series.db")) return 0;
    return copy(from, to);
  };
  uint64_t bytes = 0;
  const auto add = [&bytes](Result<uint64_t> part) -> Status {
    CHECK_OK(part);
    bytes += *part;
    return {};
  };
  CHECK_OK(add(copy_tree(home / "series", target / "series", copy_segment)));
  CHECK_OK(add(copy_database(home / kSeries, target / kSeries)));
  CHECK_OK(add(copy_database(home / kRecords, target / kRecords)));
  CHECK_OK(add(copy_tree(home / "content" / "logs", target / "content" / "logs", copy)));
  CHECK_OK(add(copy_tree(home / "content" / "blobs", target / "content" / "blobs", link_or_copy)));
  CHECK_OK(add(copy_tree(home / kData, target / kData, copy, is_passing_in_data)));
  if (is_there(home / kVaultKey)) CHECK_OK(add(copy_file(home / kVaultKey, target / kVaultKey, 0600)));
  const json::object manifest{{"format", kFormat},
                              {"version", WERKBANK_VERSION},
                              {"createdUtc", format_utc(system_clock().utc_now_ms())},
                              {"bytes", bytes}};
  CHECK_OK(write_file_atomically(target / kManifest, json::serialize(manifest) + "\n"));
  return bytes;
}

Result<fs::path> restore_home(const fs::path& folder, const fs::path& backup, bool replace) {
  std::error_code unknown;
  const bool is_file = fs::is_regular_file(backup, unknown);
  if (!is_file) CHECK_OK(check_manifest(backup));
  TRY(const Home home, Home::open(folder));  // holds the lock: no server starts meanwhile
  CHECK_OK(refuse_installation(home, replace));
  // Copied first: what cannot be copied whole changes nothing, and a backup may lie in what is moved aside.
  const fs::path incoming = folder / "restore.incoming";
  CHECK_OK(remove_tree(incoming));
  if (Status copied = is_file ? copy_records(backup, incoming) : copy_backup(backup, incoming); !copied) {
    [[maybe_unused]] const Status removed = remove_tree(incoming);
    return fail(std::move(copied).error());
  }
  // work holds runs that these records may not know: their scripts and outputs are left alone.
  if (is_file) return take_over(home, incoming, {kInstallation, "db", "work"}, {"db"});
  return take_over(home, incoming, {kInstallation, "db", "work", "series", "content", kData, kVaultKey},
                   {kVaultKey, kData, "content", "series", "db"});
}

}  // namespace werkbank
