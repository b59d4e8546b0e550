#include "lifecycle/housekeeping.hh"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "base/files.hh"
#include "base/hash.hh"
#include "base/log.hh"
#include "lifecycle/workspace_removal.hh"

namespace werkbank::lifecycle {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDayMs = 24 * 3600 * 1000LL;
constexpr const char* kDoneSetting = "housekeeping.done_ms";
constexpr std::string_view kBackupStart = "werkbank-";

// Oldest first: the names hold the time.
std::vector<fs::path> backups_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kBackupStart) && name.ends_with(".db")) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

// "2026-11-21T08:37:21.123456Z" → "20261121T083721".
std::string stamp(UtcMs now) {
  std::string text;
  for (const char c : format_utc(now)) {
    if (c == '.') break;
    if (c != '-' && c != ':') text += c;
  }
  return text;
}

bool has_room(const fs::path& folder, const std::vector<fs::path>& backups) {
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0) return true;  // the copy itself will tell
  const uint64_t free_bytes = static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
  std::error_code unknown;
  const uint64_t last = backups.empty() ? 0 : fs::file_size(backups.back(), unknown);
  return unknown || free_bytes > 3 * last + (64 << 20);
}

Status remove_copies(const fs::path& folder) {
  Status removed;
  for (const fs::path& copy : backups_in(folder)) {
    std::error_code failed;
    fs::remove(copy, failed);
    if (failed && removed)
      removed = fail(errors::io_failed, fmt::format("cannot remove {}: {}", copy.string(), failed.message()),
                     "It holds records of a deleted workspace: remove it yourself.");
  }
  return removed;
}

}  // namespace

Housekeeping::Housekeeping(Services& services, Holdings& holdings, HousekeepingConfig config)
    : services_(services), holdings_(holdings), config_(std::move(config)) {}

Housekeeping::~Housekeeping() { stop(); }

void Housekeeping::start() {
  thread_ = std::thread([this] { work(); });
}

void Housekeeping::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::work() {
  std::unique_lock lock(mutex_);
  auto pause = config_.first_look;
  while (!wake_.wait_for(lock, pause, [this] { return stopping_; })) {
    pause = config_.look_again;
    lock.unlock();
    const Result<bool> due = is_due();
    if (due && *due) {
      const Status done = do_daily();
      if (!done) log_warning("housekeeping failed error={:?}", done.error().to_string());
    }
    lock.lock();
  }
}

Result<bool> Housekeeping::is_due() {
  const std::function<Result<std::optional<std::string>>(store::Reader&)> find = [](store::Reader& reader) {
    return reader.setting(kDoneSetting);
  };
  TRY(const auto done, store::read<std::optional<std::string>>(services_.store, find));
  if (!done) return true;
  const int64_t done_ms = std::strtoll(done->c_str(), nullptr, 10);
  return services_.clock.utc_now_ms() - done_ms >= std::chrono::milliseconds(config_.every).count();
}

Task<Status> Housekeeping::note_done() {
  const std::string now = std::to_string(services_.clock.utc_now_ms());
  std::function<Status(store::Transaction&)> apply = [now](store::Transaction& transaction) {
    return transaction.put_setting(kDoneSetting, now);
  };
  co_return co_await services_.store.write(std::move(apply));
}

// The copy comes first, and what it is tried again for is only the collection: a full disk is what that may help against.
Status Housekeeping::do_daily() {
  Status backed_up = back_up(config_.backups_kept);
  if (!backed_up) log_warning("records not copied error={:?}", backed_up.error().to_string());
  const Result<Garbage> collected = sync_wait(collect(false, false));
  if (!collected && collected.error().code != &errors::run_state_conflict) return fail(collected.error());
  return sync_wait(note_done());
}

Task<Result<Garbage>> Housekeeping::collect(bool dry_run, bool empty_trash) {
  if (is_collecting_.exchange(true)) {
    co_return fail(errors::run_state_conflict, "a collection of garbage is under way", "Ask again when it has ended.");
  }
  GarbageRules rules;
  rules.dry_run = dry_run;
  rules.empty_trash = empty_trash;
  rules.event_age_ms = config_.events_kept_days * kDayMs;
  rules.key_age_ms = config_.keys_kept_days * kDayMs;
  Result<Garbage> collected = co_await collect_garbage(services_, holdings_, rules);
  is_collecting_ = false;
  co_return collected;
}

Task<Status> Housekeeping::remove_workspace(std::string name) {
  CO_CHECK_OK(co_await lifecycle::remove_workspace(services_, holdings_, std::move(name)));
  // The copies made so far hold what was to be deleted: they go whether or not there can be a new one.
  const auto renew = [this]() -> Status {
    if (config_.backup_folder.empty()) return {};
    {
      const std::lock_guard one_at_a_time(backup_mutex_);
      CHECK_OK(remove_copies(config_.backup_folder));
    }
    const int64_t kept = std::min<int64_t>(config_.backups_kept, 1);
    CHECK_OK(back_up(kept));
    if (kept == 0 || !backups_in(config_.backup_folder).empty()) return {};
    return fail(errors::disk_full, fmt::format("the workspace is deleted, but there is no copy of the records in {}",
                                               config_.backup_folder.string()));
  };
  co_return co_await services_.builders.run(renew);
}

Status Housekeeping::back_up(int64_t kept) {
  if (config_.backup_folder.empty()) return {};
  const std::lock_guard one_at_a_time(backup_mutex_);
  CHECK_OK(make_directories(config_.backup_folder));
  const std::vector<fs::path> before = backups_in(config_.backup_folder);
  Status copied;
  if (kept > 0 && has_room(config_.backup_folder, before)) {
    const std::string name = fmt::format("{}{}-{}.db", kBackupStart, stamp(services_.clock.utc_now_ms()), random_hex(2));
    copied = services_.store.copy_to((config_.backup_folder / name).string());
  } else if (kept > 0) {
    log_warning("records not copied folder={:?}: too little room", config_.backup_folder.string());
  }
  std::vector<fs::path> backups = backups_in(config_.backup_folder);
  std::error_code ignored;
  for (size_t i = 0; i + static_cast<size_t>(std::max<int64_t>(kept, 0)) < backups.size(); ++i) fs::remove(backups[i], ignored);
  return copied;
}

}  // namespace werkbank::lifecycle
