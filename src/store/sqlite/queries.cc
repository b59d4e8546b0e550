#include "store/sqlite/queries.hh"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "store/cursor.hh"

namespace werkbank::store::sqlite {
namespace {

// The rows of one statement, each made into a value by `make(statement)`.
template <typename T, typename Make, typename... Values>
Result<std::vector<T>> all_rows(Database& db, std::string_view sql, Make make, const Values&... values) {
  TRY(Statement statement, db.prepare(sql));
  statement.bind_all(values...);
  std::vector<T> rows;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return rows;
    TRY(T row, make(statement));
    rows.push_back(std::move(row));
  }
}

template <typename T, typename Make, typename... Values>
Result<std::optional<T>> first_row(Database& db, std::string_view sql, Make make, const Values&... values) {
  TRY(Statement statement, db.prepare(sql));
  statement.bind_all(values...);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(T row, make(statement));
  return row;
}

Result<Workspace> make_workspace(Statement& row) {
  return Workspace{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), map_from_stored(row.text(5)), row.integer(6)};
}

Result<Experiment> make_experiment(Statement& row) {
  return Experiment{
      row.text(0),    row.text(1),   row.integer(2), row.text(3), map_from_stored(row.text(4)), stage_from_stored(row.integer(5)),
      row.integer(6), row.integer(7)};
}

Result<RunEvent> make_event(Statement& row) {
  RunEvent event{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), {}};
  json::value data = parse_stored(row.text(6));
  if (data.is_object()) event.data = std::move(data.as_object());
  return event;
}

Result<TokenRecord> make_token(Statement& row) {
  return TokenRecord{row.text(0), row.text(1),    row.text(2),   row.text(3), role_from_stored(row.integer(4)),
                     row.text(5), row.integer(6), row.integer(7)};
}

Result<MemberRecord> make_member(Statement& row) {
  return MemberRecord{row.text(0), row.text(1), role_from_stored(row.integer(2))};
}

Result<SecretRecord> make_secret(Statement& row) {
  return SecretRecord{row.text(0), row.text(1), std::string(row.blob(2)), row.integer(3)};
}

}  // namespace

Result<std::optional<Workspace>> find_workspace(Database& db, const std::string& name) {
  return first_row<Workspace>(
      db, "SELECT name, subscription_id, resource_group, location, description, tags, created_ms FROM workspaces WHERE name = ?",
      make_workspace, name);
}

Result<std::vector<Workspace>> list_workspaces(Database& db) {
  return all_rows<Workspace>(
      db, "SELECT name, subscription_id, resource_group, location, description, tags, created_ms FROM workspaces ORDER BY name",
      make_workspace);
}

Result<std::optional<Experiment>> find_experiment(Database& db, const std::string& workspace, const std::string& name) {
  return first_row<Experiment>(db,
                               "SELECT workspace, name, id, description, tags, stage, created_ms, stage_ms FROM experiments "
                               "WHERE workspace = ? AND name = ? ORDER BY stage = 0 DESC, id DESC LIMIT 1",
                               make_experiment, workspace, name);
}

Result<std::optional<Experiment>> find_experiment_by_id(Database& db, int64_t id) {
  return first_row<Experiment>(
      db, "SELECT workspace, name, id, description, tags, stage, created_ms, stage_ms FROM experiments WHERE id = ?",
      make_experiment, id);
}

Result<Page<Experiment>> list_experiments(Database& db, const std::string& workspace, LifecycleStage stage, int64_t limit,
                                          const std::string& cursor) {
  TRY(const int64_t count, check_limit(limit));
  TRY(const NameSortKey after, decode_name_cursor(cursor));
  TRY(std::vector<Experiment> rows,
      all_rows<Experiment>(db,
                           "SELECT workspace, name, id, description, tags, stage, created_ms, stage_ms FROM experiments "
                           "WHERE workspace = ? AND stage = ? AND (name, id) > (?, ?) ORDER BY name, id LIMIT ?",
                           make_experiment, workspace, stored(stage), after.name, after.id, count + 1));
  return cut_page(std::move(rows), count, [](const Experiment& last) { return encode_name_cursor({last.name, last.id}); });
}

Result<std::vector<RunEvent>> list_events(Database& db, int64_t cursor, const std::string& workspace, int64_t limit) {
  if (workspace.empty()) {
    return all_rows<RunEvent>(
        db,
        "SELECT cursor, workspace, run_id, experiment, type, at_ms, data FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?",
        make_event, cursor, std::max<int64_t>(limit, 0));
  }
  return all_rows<RunEvent>(db,
                            "SELECT cursor, workspace, run_id, experiment, type, at_ms, data FROM events "
                            "WHERE workspace = ? AND cursor > ? ORDER BY cursor LIMIT ?",
                            make_event, workspace, cursor, std::max<int64_t>(limit, 0));
}

Result<int64_t> find_last_event_cursor(Database& db) {
  TRY(const std::optional<int64_t> last, db.find_integer("SELECT seq FROM sqlite_sequence WHERE name = 'events'"));
  return last.value_or(0);
}

Result<std::optional<IdempotencyRecord>> find_idempotency(Database& db, const std::string& workspace, const std::string& key) {
  const auto make = [](Statement& row) -> Result<IdempotencyRecord> {
    return IdempotencyRecord{row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4)};
  };
  return first_row<IdempotencyRecord>(
      db, "SELECT workspace, key, request_hash, answer, created_ms FROM idempotency WHERE workspace = ? AND key = ?", make,
      workspace, key);
}

Result<std::optional<TokenRecord>> find_token_by_hash(Database& db, const std::string& hash) {
  return first_row<TokenRecord>(
      db, "SELECT id, hash, user, workspace, role, description, created_ms, expires_ms FROM tokens WHERE hash = ?", make_token,
      hash);
}

Result<std::vector<TokenRecord>> list_tokens(Database& db) {
  return all_rows<TokenRecord>(
      db, "SELECT id, hash, user, workspace, role, description, created_ms, expires_ms FROM tokens ORDER BY created_ms, id",
      make_token);
}

Result<std::optional<MemberRecord>> find_member(Database& db, const std::string& workspace, const std::string& user) {
  return first_row<MemberRecord>(db, "SELECT workspace, user, role FROM members WHERE workspace = ? AND user = ?", make_member,
                                 workspace, user);
}

Result<std::vector<MemberRecord>> list_members(Database& db, const std::string& workspace) {
  return all_rows<MemberRecord>(db, "SELECT workspace, user, role FROM members WHERE workspace = ? ORDER BY user", make_member,
                                workspace);
}

Result<std::optional<SecretRecord>> find_secret(Database& db, const std::string& workspace, const std::string& name) {
  return first_row<SecretRecord>(db, "SELECT workspace, name, sealed, created_ms FROM secrets WHERE workspace = ? AND name = ?",
                                 make_secret, workspace, name);
}

Result<std::vector<SecretRecord>> list_secrets(Database& db, const std::string& workspace) {
  return all_rows<SecretRecord>(db, "SELECT workspace, name, sealed, created_ms FROM secrets WHERE workspace = ? ORDER BY name",
                                make_secret, workspace);
}

Result<std::optional<std::string>> find_setting(Database& db, const std::string& name) {
  const auto make = [](Statement& row) -> Result<std::string> { return row.text(0); };
  return first_row<std::string>(db, "SELECT value FROM settings WHERE name = ?", make, name);
}

}  // namespace werkbank::store::sqlite
