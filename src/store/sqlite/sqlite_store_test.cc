// What only the SQLite store promises: index-driven listings, versions, damage that is told, copies, modes.
#include "store/sqlite/sqlite_store.hh"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/files.hh"
#include "base/hash.hh"
#include "store/sqlite/run_query.hh"
#include "store/sqlite/schema.hh"

using namespace werkbank;
using namespace werkbank::store;
using sqlite::Database;

namespace {

struct Folder {
  Folder() { REQUIRE(make_directories(path)); }
  ~Folder() { (void)remove_tree(path); }
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("wb-sqlite-" + random_hex(8));
  std::filesystem::path file = path / "werkbank.db";
};

std::string code_of(const Result<std::unique_ptr<Store>>& opened) { return opened ? "ok" : std::string(opened.error().code->id); }

std::unique_ptr<Database> open_database(const Folder& folder) {
  auto database = Database::open(folder.file, Database::Mode::kWriter);
  REQUIRE(database);
  return std::move(*database);
}

void fill(const Folder& folder) {
  auto opened = open_sqlite_store(folder.file);
  REQUIRE_MESSAGE(opened, opened.error().to_string());
  const Status written = sync_wait((*opened)->write([](Transaction& t) -> Status {
    for (int i = 0; i < 200; ++i) CHECK_OK(t.put_setting("setting " + std::to_string(i), std::string(500, 'x')));
    return {};
  }));
  REQUIRE(written);
}

}  // namespace

TEST_CASE("every listing of runs is a walk along an index, without sorting") {
  const Folder folder;
  REQUIRE(open_sqlite_store(folder.file));
  const std::unique_ptr<Database> database = open_database(folder);
  const auto plans_of = [&](const RunQuery& query, const std::string& index) {
    const std::optional<int64_t> experiment = query.experiment ? std::optional<int64_t>(1) : std::nullopt;
    for (const std::optional<RunSortKey>& after : {std::optional<RunSortKey>(), std::optional<RunSortKey>({5, 6, 7})}) {
      for (const sqlite::RunSelect& select : sqlite::plan_run_listing(query, experiment, after)) {
        auto statement = database->prepare("EXPLAIN QUERY PLAN " + select.sql);
        REQUIRE_MESSAGE(statement, (select.sql + ": " + statement.error().to_string()));
        std::string plan;
        while (*statement->step()) plan += statement->text(3) + "\n";
        CHECK_MESSAGE(plan.find(index) != std::string::npos, plan);
        CHECK_MESSAGE(plan.find("SCAN") == std::string::npos, plan);
        CHECK_MESSAGE(plan.find("TEMP B-TREE") == std::string::npos, plan);
      }
    }
  };
  for (const bool oldest_first : {false, true}) {
    RunQuery base{.workspace = "w", .oldest_first = oldest_first};
    plans_of(base, "runs_by_time");
    RunQuery query = base;
    query.experiment = "e";
    plans_of(query, "runs_by_experiment");
    query.statuses = {RunStatus::kRunning, RunStatus::kFailed};
    plans_of(query, "runs_by_experiment");
    query = base;
    query.statuses = {RunStatus::kRunning, RunStatus::kFailed};
    plans_of(query, "runs_by_status");
    query = base;
    query.parent_id = "p";
    plans_of(query, "runs_by_parent");
    query = base;
    query.root_id = "p";
    plans_of(query, "runs_by_root");
    query = base;
    query.tags = {{"k", "v"}, {"other", ""}};
    plans_of(query, "labels_by_value");
    query.tags = {{"k", ""}};
    query.experiment = "e";
    plans_of(query, "labels_by_key");
    query = base;
    query.properties = {{"k", "v"}};
    plans_of(query, "labels_by_value");
  }
}

TEST_CASE("a store of a newer version is refused, one of ours is opened again") {
  const Folder folder;
  fill(folder);
  CHECK(code_of(open_sqlite_store(folder.file)) == "ok");
  REQUIRE(open_database(folder)->execute_script("PRAGMA user_version = 9999"));
  CHECK(code_of(open_sqlite_store(folder.file)) == "store_newer");
}

TEST_CASE("a damaged file is told, and the newest backup named") {
  const Folder folder;
  fill(folder);
  REQUIRE(make_directories(folder.path / "backups"));
  std::ofstream(folder.path / "backups" / "werkbank-20260101T000000-abcd.db") << "x";
  std::ofstream(folder.path / "backups" / "series-20270101T000000-abcd.db") << "x";
  const auto damage = [&](std::streamoff at, size_t size) {
    std::fstream file(folder.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << std::string(size, '\xAA');
  };
  SUBCASE("the header") { damage(0, 4096); }
  SUBCASE("pages within") { damage(4096 * 3, 4096 * 20); }
  SUBCASE("cut short") { std::filesystem::resize_file(folder.file, 4096 * 5); }
  const auto opened = open_sqlite_store(folder.file);
  REQUIRE(!opened);
  CHECK(opened.error().code->id == "store_corrupt");
  CHECK(opened.error().message.find("werkbank.db") != std::string::npos);
  CHECK(opened.error().hint.find("werkbank-20260101T000000-abcd.db") != std::string::npos);
}

TEST_CASE("a database of another program is not touched") {
  const Folder folder;
  REQUIRE(open_database(folder)->execute_script("CREATE TABLE theirs (a)"));
  CHECK(code_of(open_sqlite_store(folder.file)) == "store_corrupt");
  CHECK(*open_database(folder)->find_integer("SELECT count(*) FROM sqlite_schema") == 1);
}

TEST_CASE("two stores on one file: the second is refused") {
  const Folder folder;
  const auto first = open_sqlite_store(folder.file);
  REQUIRE(first);
  CHECK(code_of(open_sqlite_store(folder.file)) == "store_busy");
}

TEST_CASE("only the owner can read the files") {
  const Folder folder;
  fill(folder);
  struct stat found{};
  REQUIRE(::stat(folder.file.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a copy is whole, and is never written over something") {
  const Folder folder;
  auto opened = open_sqlite_store(folder.file);
  REQUIRE(opened);
  REQUIRE(sync_wait((*opened)->write([](Transaction& t) { return t.put_setting("a", "1"); })));
  const std::string copy = folder.path / "copy.db";
  const Status copied = (*opened)->copy_to(copy);
  REQUIRE_MESSAGE(copied, copied.error().to_string());
  CHECK((*opened)->copy_to(copy).error().code->id == "already_exists");
  struct stat found{};
  REQUIRE(::stat(copy.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  auto second = open_sqlite_store(copy);
  REQUIRE_MESSAGE(second, second.error().to_string());
  std::optional<std::string> value;
  REQUIRE((*second)->read([&](Reader& r) -> Status {
    TRY(value, r.setting("a"));
    return {};
  }));
  CHECK(value == "1");
}

TEST_CASE("a full disk: what does not fit has failed, and the store goes on") {
  const Folder folder;
  const auto database = open_database(folder);
  REQUIRE(database->execute_script("CREATE TABLE t (a); PRAGMA max_page_count = 10"));
  const Status full = database->execute("INSERT INTO t (a) VALUES (?)", std::string(100'000, 'x'));
  REQUIRE(!full);
  CHECK(full.error().code->id == "disk_full");
  CHECK(database->execute("INSERT INTO t (a) VALUES (?)", std::string("small")));
}
