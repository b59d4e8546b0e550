#include "store/sqlite/database.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <system_error>

#include "base/files.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr size_t kIdleStatementsMax = 4;  // of one text

constexpr const char* kWriterPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;"
    "PRAGMA journal_size_limit=67108864; PRAGMA secure_delete=ON;";
constexpr const char* kReaderPragmas = "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;";

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(std::move(other.sql_)),
      handle_(std::exchange(other.handle_, nullptr)),
      bind_result_(other.bind_result_) {}

Statement::~Statement() {
  if (handle_ != nullptr) database_->give_back(std::move(sql_), handle_);
}

void Statement::bind(int index, int64_t value) { bind_result_ |= sqlite3_bind_int64(handle_, index, value); }
void Statement::bind(int index, double value) { bind_result_ |= sqlite3_bind_double(handle_, index, value); }
void Statement::bind(int index, std::string_view value) {
  const char* const data = value.data() == nullptr ? "" : value.data();  // a null pointer would bind NULL
  bind_result_ |= sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::bind(int index, const std::optional<double>& value) {
  if (value) {
    bind(index, *value);
  } else {
    bind_null(index);
  }
}
void Statement::bind_null(int index) { bind_result_ |= sqlite3_bind_null(handle_, index); }
void Statement::bind_blob(int index, std::string_view bytes) {
  bind_result_ |= sqlite3_bind_blob64(handle_, index, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() {
  if (bind_result_ != SQLITE_OK) {
    Error error = database_->error(bind_result_);
    error.context.emplace_back(fmt::format("binding {:?}", sql_));
    return fail(std::move(error));
  }
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return fail(database_->error(result));
}

void Statement::reset() {
  sqlite3_reset(handle_);
  bind_result_ = SQLITE_OK;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::number(int column) const { return sqlite3_column_double(handle_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
std::string Statement::text(int column) const {
  const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}
std::string_view Statement::blob(int column) const {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Mode mode) {
  if (mode == Mode::kWriter) {
    TRY(const Fd created, open_file(path, O_RDWR | O_CREAT, 0600));  // SQLite itself would use the umask's mode
  }
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;  // WAL readers write the shared-memory index, too
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (result != SQLITE_OK) return fail(database->error(result));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  CHECK_OK(database->execute_script(mode == Mode::kWriter ? kWriterPragmas : kReaderPragmas));
  return database;
}

Database::~Database() {
  for (auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* const statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close_v2(handle_);
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end() && !found->second.empty()) {
    sqlite3_stmt* const handle = found->second.back();
    found->second.pop_back();
    return Statement(this, std::string(sql), handle);
  }
  sqlite3_stmt* handle = nullptr;
  const int result =
      sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (result != SQLITE_OK) return fail(error(result));
  return Statement(this, std::string(sql), handle);
}

void Database::give_back(std::string sql, sqlite3_stmt* handle) {
  sqlite3_reset(handle);
  sqlite3_clear_bindings(handle);
  std::vector<sqlite3_stmt*>& idle = idle_[std::move(sql)];
  if (idle.size() < kIdleStatementsMax) {
    idle.push_back(handle);
  } else {
    sqlite3_finalize(handle);
  }
}

Status Database::execute_script(const char* sql) {
  const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return fail(error(result));
  return {};
}

Status Database::empty_wal() {
  TRY(const std::optional<int64_t> busy, find_integer("PRAGMA wal_checkpoint(TRUNCATE)"));
  if (busy.value_or(0) != 0) return fail(errors::store_busy, fmt::format("{}: its log is being read", path_.string()));
  return {};
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }
int64_t Database::changed_rows() const { return sqlite3_changes64(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Error Database::error(int result) const {
  const std::string message =
      fmt::format("{}: {}", path_.string(), handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(result));
  const int system_error = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
  const bool no_space = system_error == ENOSPC || system_error == EDQUOT;
  switch (result & 0xFF) {
    case SQLITE_FULL:
      return Error{&errors::disk_full, message, {}, {}};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt_error(path_, handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(result));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{&errors::store_busy, message, {}, {}};
    case SQLITE_TOOBIG:
      return Error{&errors::too_large, message, {}, {}};
    case SQLITE_CONSTRAINT:
      return Error{&errors::already_exists, message, {}, {}};
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      if (no_space) return Error{&errors::disk_full, message, {}, {}};
      return Error{&errors::io_failed, message, {}, {}};
    default:
      return Error{&errors::internal, message, {}, {}};
  }
}

Result<ConnectionPool::Lease> ConnectionPool::take() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [&] { return closed_ || !idle_.empty() || opened_ < connections_max_; });
  if (closed_) return fail(errors::unavailable, "the store is closed");
  if (!idle_.empty()) {
    std::unique_ptr<Database> database = std::move(idle_.back());
    idle_.pop_back();
    return Lease(this, std::move(database));
  }
  ++opened_;
  lock.unlock();
  Result<std::unique_ptr<Database>> database = Database::open(path_, Database::Mode::kReader);
  if (!database) {
    const std::lock_guard again(mutex_);
    --opened_;
    free_.notify_one();
    return fail(std::move(database).error());
  }
  return Lease(this, std::move(*database));
}

void ConnectionPool::give_back(std::unique_ptr<Database> database) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(database));
  free_.notify_all();
}

void ConnectionPool::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  free_.notify_all();
  free_.wait(lock, [&] { return idle_.size() == opened_; });
  idle_.clear();
  opened_ = 0;
}

Error corrupt_error(const std::filesystem::path& path, std::string_view what) {
  std::error_code ignored;
  std::filesystem::path newest;
  std::filesystem::file_time_type newest_time;
  std::filesystem::path backups = path.parent_path() / "backups";
  if (!std::filesystem::exists(backups, ignored))
    backups = path.parent_path().parent_path() / "backups";  // series.db has its own folder
  for (const auto& entry : std::filesystem::directory_iterator(backups, ignored)) {
    std::error_code entry_error;
    const auto time = entry.last_write_time(entry_error);
    if (entry_error || !entry.path().filename().string().starts_with(path.stem().string() + "-")) continue;  // of another file
    if (newest.empty() || time > newest_time || (time == newest_time && entry.path() > newest)) {
      newest = entry.path();
      newest_time = time;
    }
  }
  std::string hint = newest.empty()
                         ? "Bring back a backup: `werkbank restore FOLDER --replace`; without one, move the file away to "
                           "start anew."
                         : fmt::format("Bring back the newest copy: werkbank restore {} --replace", newest.string());
  return Error{&errors::store_corrupt, fmt::format("{} does not read back: {}", path.string(), what), std::move(hint), {}};
}

Status migrate(Database& database, const std::vector<const char*>& migrations, int64_t application_id) {
  TRY(const std::optional<int64_t> found, database.find_integer("PRAGMA user_version"));
  TRY(const std::optional<int64_t> owner, database.find_integer("PRAGMA application_id"));
  const int64_t version = found.value_or(0);
  const auto newest = static_cast<int64_t>(migrations.size());
  TRY(const std::optional<int64_t> tables, database.find_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables.value_or(0) != 0 && owner.value_or(0) != application_id) {
    return fail(corrupt_error(database.path(), "it is a database of another program, or its header is damaged"));
  }
  if (version > newest) {
    return fail(errors::store_newer, fmt::format("{} has schema version {}; this Werkbank knows versions up to {}",
                                                 database.path().string(), version, newest));
  }
  for (int64_t step = version; step < newest; ++step) {
    const std::string script = fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={}; {} PRAGMA user_version={}; COMMIT;",
                                           application_id, migrations[static_cast<size_t>(step)], step + 1);
    if (Status done = database.execute_script(script.c_str()); !done) {
      Error error = std::move(done).error();  // before the rollback replaces the connection's message
      if (database.in_transaction()) (void)database.execute_script("ROLLBACK");
      return fail_in(fmt::format("migrating to schema version {}", step + 1), std::move(error));
    }
  }
  return {};
}

Status check_integrity(Database& database, uint64_t size_bytes_max) {
  std::error_code failed;
  const uint64_t size = std::filesystem::file_size(database.path(), failed);
  if (failed || size > size_bytes_max) return {};
  TRY(Statement check, database.prepare("PRAGMA quick_check(1)"));
  TRY(const bool found, check.step());
  if (found && check.text(0) != "ok") return fail(corrupt_error(database.path(), check.text(0)));
  return {};
}

}  // namespace werkbank::store::sqlite
