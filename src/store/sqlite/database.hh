// SQLite behind a narrow door: connections with a cache of prepared statements, failures as Results.
// A Database and its Statements belong to one thread at a time; ConnectionPool hands readers out.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hh"

struct sqlite3;
struct sqlite3_stmt;

namespace werkbank::store::sqlite {

class Database;

// A prepared statement, borrowed from its connection's cache and given back by the destructor.
class Statement {
 public:
  Statement(Database* database, std::string sql, sqlite3_stmt* handle)
      : database_(database), sql_(std::move(sql)), handle_(handle) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Parameters are numbered from 1, columns from 0. What goes wrong at binding is answered by the next step().
  void bind(int index, int64_t value);
  void bind(int index, int value) { bind(index, int64_t{value}); }
  void bind(int index, bool value) { bind(index, int64_t{value}); }
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const std::optional<double>& value);
  void bind_null(int index);
  // The bytes are not copied: they must live until the last step().
  void bind_blob(int index, std::string_view bytes);
  template <typename... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
  }

  Result<bool> step();  // true: a row is there
  void reset();

  int64_t integer(int column) const;
  bool boolean(int column) const { return integer(column) != 0; }
  double number(int column) const;
  std::string text(int column) const;
  std::string_view blob(int column) const;  // valid until the next step()
  bool is_null(int column) const;

 private:
  Database* database_;
  std::string sql_;
  sqlite3_stmt* handle_;
  int bind_result_ = 0;
};

class Database {
 public:
  enum class Mode { kWriter, kReader };
  // A writer creates the file (mode 0600) and sets WAL and synchronous=FULL; a reader cannot change anything.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, Mode mode);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  Result<Statement> prepare(std::string_view sql);
  Status execute_script(const char* sql);  // several statements, no parameters, not cached

  // Runs one statement to its end.
  template <typename... Values>
  Status execute(std::string_view sql, const Values&... values) {
    TRY(Statement statement, prepare(sql));
    statement.bind_all(values...);
    CHECK_OK(statement.step());
    return {};
  }
  // The first row's first column as an integer, if there is a row.
  template <typename... Values>
  Result<std::optional<int64_t>> find_integer(std::string_view sql, const Values&... values) {
    TRY(Statement statement, prepare(sql));
    statement.bind_all(values...);
    TRY(const bool found, statement.step());
    if (!found) return std::nullopt;
    return statement.integer(0);
  }

  // Moves the write-ahead log into the file and cuts it; store_busy where readers do not let it for seconds.
  Status empty_wal();

  int64_t last_insert_id() const;
  int64_t changed_rows() const;
  bool in_transaction() const;
  const std::filesystem::path& path() const { return path_; }
  // The connection's last failure as an Error; for `result` see sqlite3.h.
  Error error(int result) const;

 private:
  friend class Statement;
  Database(std::filesystem::path path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  void give_back(std::string sql, sqlite3_stmt* handle);

  struct SqlHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::filesystem::path path_;
  sqlite3* handle_;
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>, SqlHash, std::equal_to<>> idle_;
};

// Read connections, opened on demand up to a limit; who finds none free waits.
class ConnectionPool {
 public:
  ConnectionPool(std::filesystem::path path, size_t connections_max)
      : path_(std::move(path)), connections_max_(connections_max) {}

  class Lease {
   public:
    Lease(ConnectionPool* pool, std::unique_ptr<Database> database) : pool_(pool), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (database_) pool_->give_back(std::move(database_));
    }
    Database& operator*() const { return *database_; }
    Database* operator->() const { return database_.get(); }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<Database> database_;
  };
  Result<Lease> take();
  void close();  // waits for leases to come back; take() fails from now on

 private:
  void give_back(std::unique_ptr<Database> database);

  const std::filesystem::path path_;
  const size_t connections_max_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Database>> idle_;
  size_t opened_ = 0;
  bool closed_ = false;
};

// The error for a database that does not read back; the hint names the newest entry of `backups/` beside it, if there is one.
Error corrupt_error(const std::filesystem::path& path, std::string_view what);

// Brings the database to the newest schema, one transaction per step. migrations[n] leads from version n to n+1.
// store_newer where the file is ahead of this program.
Status migrate(Database& database, const std::vector<const char*>& migrations, int64_t application_id);

// For small files only: a big one is checked page by page as it is read.
Status check_integrity(Database& database, uint64_t size_bytes_max);

}  // namespace werkbank::store::sqlite
