#include "store/sqlite/datastores.hh"

#include <fmt/format.h>

#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

#define COLUMNS "workspace, name, kind, settings, sealed, created_by, created_ms"

Result<DatastoreRecord> record_of(const Statement& row) {
  DatastoreRecord record;
  record.datastore.workspace = row.text(0);
  record.datastore.name = row.text(1);
  const std::optional<DatastoreKind> kind = parse_datastore_kind(row.text(2));
  if (!kind) return fail(errors::store_newer, fmt::format("datastore {:?} is of an unknown kind", record.datastore.name));
  record.datastore.kind = *kind;
  record.datastore.settings = map_from_stored(row.text(3));
  record.sealed = row.blob(4);
  record.datastore.created_by = row.text(5);
  record.datastore.created_ms = row.integer(6);
  return record;
}

}  // namespace

Result<std::optional<DatastoreRecord>> SqliteDatastores::find(const std::string& workspace, const std::string& name) {
  TRY(Statement rows, db_.prepare("SELECT " COLUMNS " FROM datastores WHERE workspace = ? AND name = ?"));
  rows.bind_all(workspace, name);
  TRY(const bool found, rows.step());
  if (!found) return std::nullopt;
  TRY(DatastoreRecord record, record_of(rows));
  return std::optional(std::move(record));
}

Result<std::vector<DatastoreRecord>> SqliteDatastores::list(const std::string& workspace) {
  TRY(Statement rows, db_.prepare("SELECT " COLUMNS " FROM datastores WHERE workspace = ? ORDER BY name"));
  rows.bind_all(workspace);
  std::vector<DatastoreRecord> records;
  while (true) {
    TRY(const bool found, rows.step());
    if (!found) return records;
    TRY(DatastoreRecord record, record_of(rows));
    records.push_back(std::move(record));
  }
}

Result<std::string> SqliteDatastores::default_name(const std::string& workspace) {
  TRY(Statement rows, db_.prepare("SELECT name FROM default_datastores WHERE workspace = ?"));
  rows.bind_all(workspace);
  TRY(const bool found, rows.step());
  return found ? rows.text(0) : std::string();
}

Status SqliteDatastores::check_workspace(const std::string& workspace) {
  TRY(const std::optional<int64_t> found, db_.find_integer("SELECT 1 FROM workspaces WHERE name = ?", workspace));
  if (found) return {};
  return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", workspace));
}

Status SqliteDatastores::put(const DatastoreRecord& record) {
  const Datastore& datastore = record.datastore;
  CHECK_OK(check_workspace(datastore.workspace));
  TRY(Statement statement,
      db_.prepare("INSERT INTO datastores (workspace, name, kind, settings, created_by, created_ms, sealed) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, name) DO UPDATE SET kind = excluded.kind, "
                  "settings = excluded.settings, created_by = excluded.created_by, created_ms = excluded.created_ms, "
                  "sealed = excluded.sealed"));
  statement.bind_all(datastore.workspace, datastore.name, std::string(to_string(datastore.kind)), stored_map(datastore.settings),
                     datastore.created_by, datastore.created_ms);
  statement.bind_blob(7, record.sealed);
  CHECK_OK(statement.step());
  return {};
}

Status SqliteDatastores::remove(const std::string& workspace, const std::string& name) {
  CHECK_OK(db_.execute("DELETE FROM datastores WHERE workspace = ? AND name = ?", workspace, name));
  if (db_.changed_rows() == 0)
    return fail(errors::datastore_not_found, fmt::format("there is no datastore {:?} in workspace {:?}", name, workspace));
  return db_.execute("DELETE FROM default_datastores WHERE workspace = ? AND name = ? COLLATE NOCASE", workspace, name);
}

Status SqliteDatastores::choose_default(const std::string& workspace, const std::string& name) {
  CHECK_OK(check_workspace(workspace));
  return db_.execute("INSERT OR REPLACE INTO default_datastores (workspace, name) VALUES (?, ?)", workspace, name);
}

}  // namespace werkbank::store::sqlite
