#include "store/sqlite/sqlite_models.hh"

#include <fmt/format.h>

#include "store/cursor.hh"
#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr std::string_view kSelect =
    "SELECT m.workspace, m.name, m.version, m.description, m.framework, m.framework_version, m.tags, m.properties, m.content, "
    "m.file_count, m.size_bytes, m.run_id, m.experiment, m.run_path, m.datasets, m.sample_input, m.sample_output, m.resources, "
    "m.created_by, m.created_ms, m.modified_ms, m.revision, m.id FROM models AS m ";
constexpr int kSerialColumn = 22;

Result<Model> make_model(Statement& row) {
  Model model;
  model.key = {row.text(0), row.text(1), row.integer(2)};
  model.description = row.text(3);
  model.framework = row.text(4);
  model.framework_version = row.text(5);
  model.tags = map_from_stored(row.text(6));
  model.properties = map_from_stored(row.text(7));
  TRY(model.content, Hash::parse(row.text(8)));
  model.file_count = row.integer(9);
  model.size_bytes = static_cast<uint64_t>(row.integer(10));
  model.run_id = row.text(11);
  model.experiment = row.text(12);
  model.run_path = row.text(13);
  TRY(model.datasets, dataset_links_from_json(parse_stored(row.text(14)), "datasets"));
  model.sample_input = row.text(15);
  model.sample_output = row.text(16);
  TRY(model.resources, model_resources_from_json(parse_stored(row.text(17)), "resources"));
  model.created_by = row.text(18);
  model.created_ms = row.integer(19);
  model.modified_ms = row.integer(20);
  model.revision = row.integer(21);
  return model;
}

// The filters as conditions on the table of this alias. Each names its parameter by number, so that a query may hold them twice.
class Filters {
 public:
  explicit Filters(const ModelQuery& query) {
    add("{0}.workspace = {1}", {query.workspace});
    if (!query.name.empty()) add("{0}.name = {1}", {query.name});
    if (!query.run_id.empty()) add("{0}.run_id = {1} AND {0}.run_id <> ''", {query.run_id});
    if (!query.framework.empty()) add("lower({0}.framework) = lower({1})", {query.framework});
    if (!query.dataset_id.empty())
      add("EXISTS (SELECT 1 FROM json_each({0}.datasets) AS d WHERE json_extract(d.value, '$.id') = {1})", {query.dataset_id});
    add_labels("tags", query.tags);
    add_labels("properties", query.properties);
  }

  std::string conditions(std::string_view alias) const {
    std::string text;
    for (const auto& [pattern, first] : conditions_) {
      if (!text.empty()) text += " AND ";
      text += fmt::format(fmt::runtime(pattern), alias, fmt::format("?{}", first), fmt::format("?{}", first + 1));
    }
    return text;
  }
  const std::vector<std::string>& values() const { return values_; }

 private:
  void add(std::string pattern, std::initializer_list<std::string> values) {
    conditions_.emplace_back(std::move(pattern), values_.size() + 1);
    values_.insert(values_.end(), values);
  }
  void add_labels(std::string_view column, const TextMap& labels) {
    for (const auto& [key, value] : labels) {
      const std::string found = fmt::format("EXISTS (SELECT 1 FROM json_each({{0}}.{}) AS l WHERE l.key = {{1}}", column);
      if (value.empty())
        add(found + ")", {key});
      else
        add(found + " AND l.value = {2})", {key, value});
    }
  }

  std::vector<std::pair<std::string, size_t>> conditions_;  // and the number of the first parameter
  std::vector<std::string> values_;
};

std::string stored_resources(const ModelResources& resources) { return json::serialize(to_json(resources)); }

}  // namespace

Result<std::optional<Model>> SqliteModels::find(const ModelKey& key) {
  const std::string condition = key.version == 0 ? "WHERE m.workspace = ? AND m.name = ? ORDER BY m.version DESC LIMIT 1"
                                                 : "WHERE m.workspace = ? AND m.name = ? AND m.version = ?";
  TRY(Statement statement, db_.prepare(std::string(kSelect) + condition));
  statement.bind(1, key.workspace);
  statement.bind(2, key.name);
  if (key.version != 0) statement.bind(3, key.version);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(Model model, make_model(statement));
  return model;
}

Result<Page<Model>> SqliteModels::list(const ModelQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const int64_t before, decode_model_cursor(query.cursor));
  const Filters filters(query);
  const int first_free = static_cast<int>(filters.values().size()) + 1;
  std::string sql =
      fmt::format("{}WHERE {} AND (?{} = 0 OR m.id < ?{})", kSelect, filters.conditions("m"), first_free, first_free);
  if (query.latest) {
    sql += fmt::format(" AND NOT EXISTS (SELECT 1 FROM models AS n WHERE n.name = m.name AND n.version > m.version AND {})",
                       filters.conditions("n"));
  }
  sql += fmt::format(" ORDER BY m.id DESC LIMIT ?{}", first_free + 1);
  TRY(Statement statement, db_.prepare(sql));
  int index = 0;
  for (const std::string& value : filters.values()) statement.bind(++index, value);
  statement.bind(first_free, before);
  statement.bind(first_free + 1, limit + 1);
  std::vector<std::pair<int64_t, Model>> rows;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) break;
    TRY(Model model, make_model(statement));
    rows.emplace_back(statement.integer(kSerialColumn), std::move(model));
  }
  auto cut = cut_page(std::move(rows), limit, [](const auto& row) { return encode_model_cursor(row.first); });
  Page<Model> page{{}, cut.next};
  for (auto& [serial, model] : cut.items) page.items.push_back(std::move(model));
  return page;
}

Result<std::vector<ModelUser>> SqliteModels::users(const ModelKey& key) {
  TRY(Statement statement, db_.prepare("SELECT kind, user_name FROM model_users WHERE workspace = ? AND name = ? AND version = ? "
                                       "ORDER BY kind, user_name"));
  statement.bind_all(key.workspace, key.name, key.version);
  std::vector<ModelUser> users;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return users;
    users.push_back({statement.text(0), statement.text(1)});
  }
}

Result<int64_t> SqliteModels::count(const std::string& workspace) {
  TRY(const std::optional<int64_t> count, db_.find_integer("SELECT count(*) FROM models WHERE workspace = ?", workspace));
  return count.value_or(0);
}

Result<std::vector<Hash>> SqliteModels::content_roots(const std::string& except) {
  TRY(Statement statement, db_.prepare("SELECT DISTINCT content FROM models WHERE workspace <> ?"));
  statement.bind_all(except);
  std::vector<Hash> roots;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return roots;
    TRY(const Hash root, Hash::parse(statement.text(0)));
    roots.push_back(root);
  }
}

Result<Model> SqliteModels::create(Model model) {
  ModelKey& key = model.key;
  TRY(const std::optional<int64_t> owner, db_.find_integer("SELECT 1 FROM workspaces WHERE name = ?", key.workspace));
  if (!owner) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", key.workspace));
  TRY(const std::optional<int64_t> last,
      db_.find_integer("SELECT last_version FROM model_names WHERE workspace = ? AND name = ?", key.workspace, key.name));
  key.version = last.value_or(0) + 1;
  model.revision = 1;
  CHECK_OK(db_.execute("INSERT OR REPLACE INTO model_names (workspace, name, last_version) VALUES (?, ?, ?)", key.workspace,
                       key.name, key.version));
  CHECK_OK(db_.execute(
      "INSERT INTO models (workspace, name, version, description, framework, framework_version, tags, properties, content, "
      "file_count, size_bytes, run_id, experiment, run_path, datasets, sample_input, sample_output, resources, created_by, "
      "created_ms, modified_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      key.workspace, key.name, key.version, model.description, model.framework, model.framework_version, stored_map(model.tags),
      stored_map(model.properties), model.content.hex(), model.file_count, static_cast<int64_t>(model.size_bytes), model.run_id,
      model.experiment, model.run_path, json::serialize(to_json(model.datasets)), model.sample_input, model.sample_output,
      stored_resources(model.resources), model.created_by, model.created_ms, model.modified_ms, model.revision));
  return model;
}

Status SqliteModels::update(Model& model) {
  const ModelKey& key = model.key;
  CHECK_OK(db_.execute(
      "UPDATE models SET description = ?, framework = ?, framework_version = ?, tags = ?, properties = ?, datasets = ?, "
      "sample_input = ?, sample_output = ?, resources = ?, modified_ms = ?, revision = revision + 1 "
      "WHERE workspace = ? AND name = ? AND version = ?",
      model.description, model.framework, model.framework_version, stored_map(model.tags), stored_map(model.properties),
      json::serialize(to_json(model.datasets)), model.sample_input, model.sample_output, stored_resources(model.resources),
      model.modified_ms, key.workspace, key.name, key.version));
  TRY(std::optional<Model> after, find(key));
  if (!after) return fail(no_such_model(key));
  model = std::move(*after);
  return {};
}

Status SqliteModels::remove(const ModelKey& key) {
  TRY(const std::vector<ModelUser> known, users(key));
  if (!known.empty()) return fail(model_in_use(key, known));
  CHECK_OK(
      db_.execute("DELETE FROM models WHERE workspace = ? AND name = ? AND version = ?", key.workspace, key.name, key.version));
  if (db_.changed_rows() == 0) return fail(no_such_model(key));
  return {};
}

Status SqliteModels::put_user(const ModelKey& key, const ModelUser& user) {
  TRY(const std::optional<int64_t> model,
      db_.find_integer("SELECT 1 FROM models WHERE workspace = ? AND name = ? AND version = ?", key.workspace, key.name,
                       key.version));
  if (!model) return fail(no_such_model(key));
  return db_.execute("INSERT OR IGNORE INTO model_users (workspace, name, version, kind, user_name) VALUES (?, ?, ?, ?, ?)",
                     key.workspace, key.name, key.version, user.kind, user.name);
}

Status SqliteModels::drop_user(const ModelKey& key, const ModelUser& user) {
  CHECK_OK(db_.execute("DELETE FROM model_users WHERE workspace = ? AND name = ? AND version = ? AND kind = ? AND user_name = ?",
                       key.workspace, key.name, key.version, user.kind, user.name));
  if (db_.changed_rows() > 0) return {};
  return fail(errors::not_found, fmt::format("{} {:?} does not use the model {:?}", user.kind, user.name, model_id(key)));
}

}  // namespace werkbank::store::sqlite
