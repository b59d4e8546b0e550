#include "store/sqlite/sqlite_datasets.hh"

#include <fmt/format.h>

#include "store/cursor.hh"
#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

#define DATASET_COLUMNS \
  "d.workspace, d.id, d.kind, d.definition, d.content, d.file_count, d.size_bytes, d.created_by, d.created_ms"
constexpr int kDatasetColumns = 9;
constexpr std::string_view kSelectVersion = "SELECT " DATASET_COLUMNS
                                            ", v.name, v.version, v.description, v.tags, v.created_by, v.created_ms, "
                                            "v.modified_ms, v.revision FROM dataset_versions AS v "
                                            "CROSS JOIN datasets AS d ON d.workspace = v.workspace AND d.id = v.dataset_id ";

Result<Dataset> make_dataset(const Statement& row) {
  Dataset dataset;
  dataset.workspace = row.text(0);
  dataset.id = row.text(1);
  const std::optional<DatasetKind> kind = parse_dataset_kind(row.text(2));
  if (!kind) return fail(errors::store_newer, fmt::format("dataset {:?} is of an unknown kind", dataset.id));
  dataset.kind = *kind;
  json::value definition = parse_stored(row.text(3));
  if (definition.is_object()) dataset.definition = std::move(definition.as_object());
  TRY(dataset.content, Hash::parse(row.text(4)));
  dataset.file_count = row.integer(5);
  dataset.size_bytes = static_cast<uint64_t>(row.integer(6));
  dataset.created_by = row.text(7);
  dataset.created_ms = row.integer(8);
  return dataset;
}

Result<DatasetVersion> make_version(const Statement& row) {
  DatasetVersion version;
  TRY(version.dataset, make_dataset(row));
  int column = kDatasetColumns;
  version.key.workspace = version.dataset.workspace;
  version.key.name = row.text(column++);
  version.key.version = row.integer(column++);
  version.description = row.text(column++);
  version.tags = map_from_stored(row.text(column++));
  version.created_by = row.text(column++);
  version.created_ms = row.integer(column++);
  version.modified_ms = row.integer(column++);
  version.revision = row.integer(column++);
  return version;
}

Result<std::optional<DatasetVersion>> first_version(Statement& statement) {
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(DatasetVersion version, make_version(statement));
  return std::optional(std::move(version));
}

}  // namespace

Result<std::optional<Dataset>> SqliteDatasets::saved(const std::string& workspace, const std::string& id) {
  TRY(Statement statement, db_.prepare("SELECT " DATASET_COLUMNS " FROM datasets AS d WHERE d.workspace = ? AND d.id = ?"));
  statement.bind_all(workspace, id);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(Dataset dataset, make_dataset(statement));
  return std::optional(std::move(dataset));
}

Result<std::optional<DatasetVersion>> SqliteDatasets::find(const DatasetKey& key) {
  TRY(Statement statement, db_.prepare(fmt::format("{}WHERE v.workspace = ?1 AND v.name = ?2 AND (?3 = 0 OR v.version = ?3) "
                                                   "ORDER BY v.version DESC LIMIT 1",
                                                   kSelectVersion)));
  statement.bind_all(key.workspace, key.name, key.version);
  return first_version(statement);
}

Result<std::optional<DatasetVersion>> SqliteDatasets::find_by_id(const std::string& workspace, const std::string& id) {
  TRY(Statement statement, db_.prepare(fmt::format("{}WHERE v.workspace = ? AND v.dataset_id = ? "
                                                   "ORDER BY v.created_ms DESC, v.name DESC, v.version DESC LIMIT 1",
                                                   kSelectVersion)));
  statement.bind_all(workspace, id);
  return first_version(statement);
}

Result<Page<DatasetVersion>> SqliteDatasets::list(const DatasetQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const NameSortKey after, decode_name_cursor(query.cursor));
  std::string sql = fmt::format(
      "{}WHERE v.workspace = ?1 AND (?2 = '' OR v.name = ?2) AND (?3 = '' OR d.kind = ?3) AND "
      "(?4 = 0 OR v.name > ?5 OR (v.name = ?5 AND v.version < ?6))",
      kSelectVersion);
  if (query.name.empty()) {
    sql +=
        " AND v.version = (SELECT max(n.version) FROM dataset_versions AS n WHERE n.workspace = v.workspace AND n.name = v.name)";
  }
  int parameter = 7;
  for (size_t i = 0; i < query.tags.size(); ++i, parameter += 2) {
    sql += fmt::format(" AND EXISTS (SELECT 1 FROM json_each(v.tags) AS t WHERE t.key = ?{} AND (?{} = '' OR t.value = ?{}))",
                       parameter, parameter + 1, parameter + 1);
  }
  sql += fmt::format(" ORDER BY v.name, v.version DESC LIMIT ?{}", parameter);
  TRY(Statement statement, db_.prepare(sql));
  const std::string kind = query.kind ? std::string(to_string(*query.kind)) : std::string();
  statement.bind_all(query.workspace, query.name, kind, query.cursor.empty() ? 0 : 1, after.name, after.id);
  int index = 6;
  for (const auto& [key, value] : query.tags) {
    statement.bind(++index, key);
    statement.bind(++index, value);
  }
  statement.bind(parameter, limit + 1);
  std::vector<DatasetVersion> versions;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) break;
    TRY(DatasetVersion version, make_version(statement));
    versions.push_back(std::move(version));
  }
  return cut_page(std::move(versions), limit,
                  [](const DatasetVersion& each) { return encode_name_cursor({each.key.name, each.key.version}); });
}

Result<Page<DatasetUse>> SqliteDatasets::uses(const DatasetUseQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const NameSortKey after, decode_name_cursor(query.cursor));
  TRY(Statement statement,
      db_.prepare("SELECT serial, run_id, dataset_id, is_output, port, mode FROM dataset_uses WHERE "
                  "workspace = ?1 AND (?2 = '' OR run_id = ?2) AND (?3 = '' OR dataset_id = ?3) AND serial > ?4 "
                  "ORDER BY serial LIMIT ?5"));
  statement.bind_all(query.workspace, query.run_id, query.dataset_id, after.id, limit + 1);
  std::vector<std::pair<int64_t, DatasetUse>> rows;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) break;
    rows.emplace_back(
        statement.integer(0),
        DatasetUse{
            {query.workspace, statement.text(1)}, statement.text(2), statement.boolean(3), statement.text(4), statement.text(5)});
  }
  auto cut = cut_page(std::move(rows), limit, [](const auto& row) { return encode_name_cursor({"", row.first}); });
  Page<DatasetUse> page{{}, cut.next};
  for (auto& [serial, use] : cut.items) page.items.push_back(std::move(use));
  return page;
}

Result<std::vector<RunKey>> SqliteDatasets::unfinished_readers(const std::string& workspace, const std::string& id) {
  TRY(Statement statement,
      db_.prepare("SELECT DISTINCT run_id FROM dataset_uses WHERE workspace = ? AND dataset_id = ? AND is_output = 0 "
                  "ORDER BY run_id"));
  statement.bind_all(workspace, id);
  std::vector<RunKey> readers;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return readers;
    const RunKey key{workspace, statement.text(0)};
    TRY(const std::optional<Run> run, find_run(db_, key));
    if (run && !is_terminal(run->status)) readers.push_back(key);
  }
}

Result<std::vector<Hash>> SqliteDatasets::content_roots(const std::string& except) {
  TRY(Statement statement, db_.prepare("SELECT DISTINCT content FROM datasets WHERE workspace <> ?"));
  statement.bind_all(except);
  std::vector<Hash> roots;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return roots;
    TRY(const Hash root, Hash::parse(statement.text(0)));
    roots.push_back(root);
  }
}

Result<Dataset> SqliteDatasets::save(const Dataset& dataset) {
  TRY(const std::optional<int64_t> owner, db_.find_integer("SELECT 1 FROM workspaces WHERE name = ?", dataset.workspace));
  if (!owner) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", dataset.workspace));
  TRY(std::optional<Dataset> known, saved(dataset.workspace, dataset.id));
  if (known) return std::move(*known);
  CHECK_OK(db_.execute(
      "INSERT INTO datasets (workspace, id, kind, definition, content, file_count, size_bytes, created_by, created_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      dataset.workspace, dataset.id, std::string(to_string(dataset.kind)), std::string(json::serialize(dataset.definition)),
      dataset.content.hex(), dataset.file_count, static_cast<int64_t>(dataset.size_bytes), dataset.created_by,
      dataset.created_ms));
  return dataset;
}

Result<DatasetVersion> SqliteDatasets::register_version(DatasetVersion version) {
  TRY(std::optional<Dataset> known, saved(version.key.workspace, version.dataset.id));
  if (!known) return fail(no_such_dataset(version.key.workspace, version.dataset.id));
  version.dataset = std::move(*known);
  CHECK_OK(
      db_.execute("INSERT INTO dataset_names (workspace, name, last_version) VALUES (?, ?, 1) "
                  "ON CONFLICT (workspace, name) DO UPDATE SET last_version = last_version + 1",
                  version.key.workspace, version.key.name));
  TRY(const std::optional<int64_t> number,
      db_.find_integer("SELECT last_version FROM dataset_names WHERE workspace = ? AND name = ?", version.key.workspace,
                       version.key.name));
  version.key.version = number.value_or(1);
  version.revision = 1;
  CHECK_OK(db_.execute(
      "INSERT INTO dataset_versions (workspace, name, version, dataset_id, description, tags, created_by, created_ms, "
      "modified_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
      version.key.workspace, version.key.name, version.key.version, version.dataset.id, version.description,
      stored_map(version.tags), version.created_by, version.created_ms, version.modified_ms));
  return version;
}

Status SqliteDatasets::update(DatasetVersion& version) {
  CHECK_OK(
      db_.execute("UPDATE dataset_versions SET description = ?, tags = ?, modified_ms = ?, revision = revision + 1 "
                  "WHERE workspace = ? AND name = ? AND version = ?",
                  version.description, stored_map(version.tags), version.modified_ms, version.key.workspace, version.key.name,
                  version.key.version));
  if (db_.changed_rows() == 0) return fail(no_such_dataset(version.key));
  TRY(std::optional<DatasetVersion> stored, find(version.key));
  version = std::move(*stored);
  return {};
}

Status SqliteDatasets::remove(const DatasetKey& key) {
  CHECK_OK(db_.execute("DELETE FROM dataset_versions WHERE workspace = ?1 AND name = ?2 AND (?3 = 0 OR version = ?3)",
                       key.workspace, key.name, key.version));
  return db_.changed_rows() > 0 ? Status() : fail(no_such_dataset(key));
}

Status SqliteDatasets::note_use(const DatasetUse& use) {
  TRY(const std::optional<int64_t> run, find_run_row(db_, use.run));
  if (!run) return fail(errors::run_not_found, fmt::format("no run {:?}", use.run.run_id));
  TRY(const std::optional<Dataset> dataset, saved(use.run.workspace, use.dataset_id));
  if (!dataset) return fail(no_such_dataset(use.run.workspace, use.dataset_id));
  return db_.execute(
      "INSERT OR IGNORE INTO dataset_uses (run, workspace, run_id, dataset_id, is_output, port, mode) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      *run, use.run.workspace, use.run.run_id, use.dataset_id, use.is_output, use.port, use.mode);
}

}  // namespace werkbank::store::sqlite
