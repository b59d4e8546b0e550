#include <algorithm>

#include "store/sqlite/queries.hh"
#include "store/sqlite/run_query.hh"

namespace werkbank::store::sqlite {
namespace {

struct RunRow {
  int64_t id = 0;
  Run run;
};

RunSortKey sort_key(const RunRow& row) { return {row.run.created_ms, row.run.number, row.id}; }

Result<RunRow> make_run(Statement& row) {
  RunRow made;
  Run& run = made.run;
  int column = 0;
  const auto text = [&] { return row.text(column++); };
  const auto integer = [&] { return row.integer(column++); };
  made.id = integer();
  run.key.workspace = text();
  run.key.run_id = text();
  run.experiment_id = integer();
  run.experiment = text();
  run.number = integer();
  run.parent_id = text();
  run.root_id = text();
  run.display_name = text();
  run.description = text();
  run.run_type = text();
  run.control = control_from_stored(integer());
  const std::string status = text();
  run.stage = stage_from_stored(integer());
  run.target = text();
  run.script = text();
  run.created_by = text();
  run.created_ms = integer();
  run.queued_ms = integer();
  run.started_ms = integer();
  run.ended_ms = integer();
  run.deleted_ms = integer();
  run.priority = integer();
  run.attempt = integer();
  run.cancel_requested = integer() != 0;
  run.cancel_who = text();
  TRY(run.end, end_from_stored(text()));
  run.warnings = texts_from_stored(text());
  run.revision = integer();
  const std::optional<RunStatus> parsed = parse_run_status(status);
  if (!parsed) return fail(errors::store_corrupt, "run '" + run.key.run_id + "' has the unknown status '" + status + "'");
  run.status = *parsed;
  return made;
}

Result<std::vector<RunRow>> select_runs(Database& db, const RunSelect& select) {
  TRY(Statement statement, db.prepare(select.sql));
  int index = 0;
  for (const auto& value : select.values) {
    ++index;
    std::visit([&](const auto& bound) { statement.bind(index, bound); }, value);
  }
  std::vector<RunRow> rows;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return rows;
    TRY(RunRow row, make_run(statement));
    rows.push_back(std::move(row));
  }
}

Result<Attempt> make_attempt(Statement& row, const RunKey& key) {
  Attempt attempt{key, row.integer(0), row.text(1), row.text(2), {}, row.integer(4), row.integer(5), row.integer(6), {}};
  json::value handle = parse_stored(row.text(3));
  if (handle.is_object()) attempt.handle = std::move(handle.as_object());
  TRY(attempt.rank_ends, rank_ends_from_stored(row.text(7)));
  return attempt;
}

Artifact make_artifact(Statement& row, const RunKey& key) {
  return Artifact{key,           row.text(0), row.text(1), static_cast<uint64_t>(row.integer(2)), row.integer(3), row.integer(4),
                  row.integer(5)};
}

// The least text that is greater than every text with this prefix; nothing where there is none.
std::optional<std::string> end_of_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

Status load_labels(Database& db, int64_t run_row, Run& run) {
  TRY(Statement statement, db.prepare("SELECT kind, key, value FROM labels WHERE run = ?"));
  statement.bind_all(run_row);
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return {};
    const int64_t kind = statement.integer(0);
    TextMap& map = kind == 0 ? run.tags : kind == 1 ? run.properties : run.params;
    map.emplace_hint(map.end(), statement.text(1), statement.text(2));
  }
}

Result<std::optional<int64_t>> find_run_row(Database& db, const RunKey& key) {
  return db.find_integer("SELECT id FROM runs WHERE workspace = ? AND run_id = ?", key.workspace, key.run_id);
}

Result<std::optional<Run>> find_run(Database& db, const RunKey& key) {
  static const std::string sql =
      std::string("SELECT ") + kRunColumns +
      " FROM runs AS r CROSS JOIN experiments AS e ON e.id = r.experiment_id WHERE r.workspace = ? AND r.run_id = ?";
  TRY(std::vector<RunRow> rows, select_runs(db, RunSelect{sql, {key.workspace, key.run_id}}));
  if (rows.empty()) return std::nullopt;
  CHECK_OK(load_labels(db, rows.front().id, rows.front().run));
  return std::move(rows.front().run);
}

Result<Page<Run>> list_runs(Database& db, const RunQuery& query) {
  TRY(const int64_t limit, check_limit(query.limit));
  TRY(const std::optional<RunSortKey> after, decode_run_cursor(query.cursor));
  std::optional<int64_t> experiment_id = query.experiment_id;
  if (query.experiment) {
    TRY(const std::optional<Experiment> named, find_experiment(db, query.workspace, *query.experiment));
    if (!named || (experiment_id && *experiment_id != named->id)) return Page<Run>{};
    experiment_id = named->id;
  } else if (experiment_id) {
    TRY(const std::optional<Experiment> known, find_experiment_by_id(db, *experiment_id));
    if (!known || known->workspace != query.workspace) return Page<Run>{};
  }
  std::vector<RunRow> rows;
  const std::vector<RunSelect> selects = plan_run_listing(query, experiment_id, after);
  for (const RunSelect& select : selects) {
    TRY(std::vector<RunRow> found, select_runs(db, select));
    std::ranges::move(found, std::back_inserter(rows));
  }
  if (selects.size() > 1) {
    std::ranges::sort(rows, [&](const RunRow& a, const RunRow& b) {
      return query.oldest_first ? sort_key(a) < sort_key(b) : sort_key(b) < sort_key(a);
    });
  }
  Page<Run> page;
  const bool more = rows.size() > static_cast<size_t>(limit);
  if (more) rows.resize(static_cast<size_t>(limit));
  if (more) page.next = encode_run_cursor(sort_key(rows.back()));
  for (RunRow& row : rows) {
    CHECK_OK(load_labels(db, row.id, row.run));
    page.items.push_back(std::move(row.run));
  }
  return page;
}

Result<std::vector<Run>> list_unfinished_managed_runs(Database& db) {
  static const std::string sql =
      std::string("SELECT ") + kRunColumns +
      " FROM runs AS r INDEXED BY runs_unfinished CROSS JOIN experiments AS e ON e.id = r.experiment_id "
      "WHERE r.control = 0 AND r.status NOT IN ('Completed', 'Failed', 'Canceled') "
      "ORDER BY r.created_ms, r.number, r.id";
  TRY(std::vector<RunRow> rows, select_runs(db, RunSelect{sql, {}}));
  std::vector<Run> runs;
  for (RunRow& row : rows) {
    CHECK_OK(load_labels(db, row.id, row.run));
    runs.push_back(std::move(row.run));
  }
  return runs;
}

Result<std::optional<RunSpec>> find_run_spec(Database& db, const RunKey& key) {
  TRY(Statement statement,
      db.prepare(
          "SELECT s.spec FROM runs AS r CROSS JOIN run_specs AS s ON s.run = r.id WHERE r.workspace = ? AND r.run_id = ?"));
  statement.bind_all(key.workspace, key.run_id);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  TRY(RunSpec spec, run_spec_from_json(parse_stored(statement.text(0))));
  return spec;
}

Result<std::optional<GitFacts>> find_git_facts(Database& db, const RunKey& key) {
  TRY(Statement statement, db.prepare("SELECT g.repository_url, g.branch, g.commit_id, g.dirty FROM runs AS r "
                                      "CROSS JOIN run_git AS g ON g.run = r.id WHERE r.workspace = ? AND r.run_id = ?"));
  statement.bind_all(key.workspace, key.run_id);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  return GitFacts{statement.text(0), statement.text(1), statement.text(2), statement.boolean(3)};
}

Result<std::vector<Attempt>> list_attempts(Database& db, const RunKey& key) {
  TRY(Statement statement,
      db.prepare(
          "SELECT a.number, a.lease, a.target, a.handle, a.started_ms, a.ended_ms, a.last_seen_ms, a.rank_ends FROM runs AS r "
          "CROSS JOIN attempts AS a ON a.run = r.id WHERE r.workspace = ? AND r.run_id = ? ORDER BY a.number"));
  statement.bind_all(key.workspace, key.run_id);
  std::vector<Attempt> attempts;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return attempts;
    TRY(Attempt attempt, make_attempt(statement, key));
    attempts.push_back(std::move(attempt));
  }
}

Result<std::optional<Artifact>> find_artifact(Database& db, const RunKey& key, const std::string& path) {
  TRY(Statement statement,
      db.prepare("SELECT a.path, a.hash, a.size_bytes, a.attempt, a.rank, a.modified_ms FROM runs AS r "
                 "CROSS JOIN artifacts AS a ON a.run = r.id WHERE r.workspace = ? AND r.run_id = ? AND a.path = ?"));
  statement.bind_all(key.workspace, key.run_id, path);
  TRY(const bool found, statement.step());
  if (!found) return std::nullopt;
  return make_artifact(statement, key);
}

Result<std::vector<Artifact>> list_artifacts(Database& db, const RunKey& key, const std::string& prefix) {
  const std::optional<std::string> end = end_of_prefix(prefix);
  TRY(Statement statement,
      db.prepare(
          end ? "SELECT a.path, a.hash, a.size_bytes, a.attempt, a.rank, a.modified_ms FROM runs AS r CROSS JOIN artifacts AS a "
                "ON a.run = r.id WHERE r.workspace = ? AND r.run_id = ? AND a.path >= ? AND a.path < ? ORDER BY a.path"
              : "SELECT a.path, a.hash, a.size_bytes, a.attempt, a.rank, a.modified_ms FROM runs AS r CROSS JOIN artifacts AS a "
                "ON a.run = r.id WHERE r.workspace = ? AND r.run_id = ? AND a.path >= ? ORDER BY a.path"));
  statement.bind_all(key.workspace, key.run_id, prefix);
  if (end) statement.bind(4, *end);
  std::vector<Artifact> artifacts;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return artifacts;
    artifacts.push_back(make_artifact(statement, key));
  }
}

}  // namespace werkbank::store::sqlite
