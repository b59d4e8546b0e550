#include "store/sqlite/target_queries.hh"

#include <fmt/format.h>

namespace werkbank::store::sqlite {
namespace {

Result<ComputeTargetRecord> make_record(Statement& row) {
  TRY(const json::value document, parse_json(row.text(0)));
  return compute_target_from_json(document);
}

}  // namespace

Result<std::optional<ComputeTargetRecord>> SqliteTargets::target(const std::string& workspace, const std::string& name) {
  TRY(Statement statement, db_.prepare("SELECT record FROM compute_targets WHERE workspace = ? AND name = ?"));
  statement.bind_all(workspace, name);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(ComputeTargetRecord record, make_record(statement));
  return record;
}

Result<std::vector<ComputeTargetRecord>> SqliteTargets::targets(const std::string& workspace) {
  TRY(Statement statement,
      db_.prepare("SELECT record FROM compute_targets WHERE ?1 = '' OR workspace = ?1 ORDER BY workspace, name"));
  statement.bind_all(workspace);
  std::vector<ComputeTargetRecord> records;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return records;
    TRY(ComputeTargetRecord record, make_record(statement));
    records.push_back(std::move(record));
  }
}

Status SqliteTargets::put_target(const ComputeTargetRecord& record) {
  TRY(const std::optional<int64_t> owner, db_.find_integer("SELECT 1 FROM workspaces WHERE name = ?", record.workspace));
  if (!owner) return fail(errors::workspace_not_found, fmt::format("no workspace {:?}", record.workspace));
  return db_.execute("INSERT OR REPLACE INTO compute_targets (workspace, name, record) VALUES (?, ?, ?)", record.workspace,
                     record.name, json::serialize(to_json(record)));
}

Status SqliteTargets::delete_target(const std::string& workspace, const std::string& name) {
  CHECK_OK(db_.execute("DELETE FROM compute_targets WHERE workspace = ? AND name = ?", workspace, name));
  if (db_.changed_rows() == 1) return {};
  return fail(errors::not_found, fmt::format("compute target {:?} in workspace {:?} is not there", name, workspace));
}

}  // namespace werkbank::store::sqlite
