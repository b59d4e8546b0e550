#include "store/sqlite/sqlite_environments.hh"

#include <fmt/format.h>

#include "store/sqlite/queries.hh"

namespace werkbank::store::sqlite {
namespace {

// Labels hold no control characters (domain/names.hh), so a line break stands between them.
constexpr std::string_view kSelect =
    "SELECT e.workspace, e.name, e.version, e.label, e.definition, e.created_ms, e.content, e.submitted, "
    "(SELECT group_concat(label, char(10)) FROM (SELECT label FROM environment_labels AS l WHERE l.workspace = e.workspace AND "
    "l.name = e.name AND l.version = e.version ORDER BY label)) FROM environments AS e ";

Result<EnvironmentVersion> make_version(Statement& row) {
  EnvironmentVersion version;
  version.workspace = row.text(0);
  version.number = row.integer(2);
  TRY(version.definition, environment_from_json(parse_stored(row.text(4))));
  version.definition.name = row.text(1);
  version.definition.version = row.text(3);
  version.created_ms = row.integer(5);
  version.content_hash = row.text(6);
  version.submitted = row.boolean(7);
  std::string labels = row.text(8);
  while (!labels.empty()) {
    const size_t end = std::min(labels.find('\n'), labels.size());
    version.labels.push_back(labels.substr(0, end));
    labels.erase(0, end + 1);
  }
  return version;
}

}  // namespace

template <typename... Values>
Result<std::vector<EnvironmentVersion>> SqliteEnvironments::rows(std::string_view condition, const Values&... values) {
  TRY(Statement statement, db_.prepare(std::string(kSelect) + std::string(condition)));
  statement.bind_all(values...);
  std::vector<EnvironmentVersion> found;
  while (true) {
    TRY(const bool more, statement.step());
    if (!more) return found;
    TRY(EnvironmentVersion version, make_version(statement));
    found.push_back(std::move(version));
  }
}

template <typename... Values>
Result<std::optional<EnvironmentVersion>> SqliteEnvironments::first(std::string_view condition, const Values&... values) {
  TRY(std::vector<EnvironmentVersion> found, rows(std::string(condition) + " ORDER BY e.version DESC LIMIT 1", values...));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Result<std::optional<EnvironmentVersion>> SqliteEnvironments::version(const std::string& workspace, const std::string& name,
                                                                      const std::string& version) {
  if (version.empty()) return first("WHERE e.workspace = ? AND e.name = ?", workspace, name);
  return first("WHERE e.workspace = ? AND e.name = ? AND e.label = ?", workspace, name, version);
}

Result<std::optional<EnvironmentVersion>> SqliteEnvironments::labelled(const std::string& workspace, const std::string& name,
                                                                       const std::string& label) {
  return first(
      "WHERE e.workspace = ? AND e.name = ? AND e.version = (SELECT version FROM environment_labels AS l WHERE "
      "l.workspace = e.workspace AND l.name = e.name AND l.label = ?)",
      workspace, name, label);
}

Result<std::optional<EnvironmentVersion>> SqliteEnvironments::of_content(const std::string& workspace, const std::string& name,
                                                                         const std::string& content_hash) {
  return first("WHERE e.workspace = ? AND e.name = ? AND e.content = ?", workspace, name, content_hash);
}

Result<std::vector<EnvironmentVersion>> SqliteEnvironments::newest(const std::string& workspace) {
  return rows(
      "WHERE e.workspace = ? AND e.version = (SELECT max(version) FROM environments AS other WHERE other.workspace = e.workspace "
      "AND other.name = e.name) ORDER BY e.name",
      workspace);
}

Result<std::vector<EnvironmentVersion>> SqliteEnvironments::versions(const std::string& workspace, const std::string& name) {
  return rows("WHERE e.workspace = ? AND e.name = ? ORDER BY e.version", workspace, name);
}

Result<EnvironmentVersion> SqliteEnvironments::create(EnvironmentVersion version) {
  const std::string& name = version.definition.name;
  std::string& called = version.definition.version;
  if (called.empty()) {
    TRY(const std::optional<int64_t> greatest,
        db_.find_integer("SELECT max(CAST(label AS INTEGER)) FROM environments WHERE workspace = ? AND name = ? AND "
                         "label NOT GLOB '*[^0-9]*' AND length(label) < 16",
                         version.workspace, name));
    called = std::to_string(greatest.value_or(0) + 1);
  }
  TRY(const std::optional<int64_t> taken,
      db_.find_integer("SELECT 1 FROM environments WHERE workspace = ? AND name = ? AND label = ?", version.workspace, name,
                       called));
  if (taken) return fail(errors::already_exists, fmt::format("environment {:?} has a version {:?}", name, called));
  TRY(const std::optional<int64_t> newest,
      db_.find_integer("SELECT max(version) FROM environments WHERE workspace = ? AND name = ?", version.workspace, name));
  version.number = newest.value_or(0) + 1;
  version.labels.clear();
  CHECK_OK(
      db_.execute("INSERT INTO environments (workspace, name, version, label, definition, created_ms, content, submitted) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  version.workspace, name, version.number, called, std::string(json::serialize(to_json(version.definition))),
                  version.created_ms, version.content_hash, version.submitted));
  return version;
}

Status SqliteEnvironments::mark_registered(const EnvironmentVersion& version) {
  return db_.execute("UPDATE environments SET submitted = 0 WHERE workspace = ? AND name = ? AND version = ?", version.workspace,
                     version.definition.name, version.number);
}

Status SqliteEnvironments::put_label(const EnvironmentVersion& version, const std::string& label) {
  return db_.execute("INSERT OR REPLACE INTO environment_labels (workspace, name, label, version) VALUES (?, ?, ?, ?)",
                     version.workspace, version.definition.name, label, version.number);
}

Status SqliteEnvironments::remove_label(const std::string& workspace, const std::string& name, const std::string& label) {
  CHECK_OK(db_.execute("DELETE FROM environment_labels WHERE workspace = ? AND name = ? AND label = ?", workspace, name, label));
  if (db_.changed_rows() > 0) return {};
  return fail(errors::not_found, fmt::format("environment {:?} has no label {:?}", name, label));
}

}  // namespace werkbank::store::sqlite
