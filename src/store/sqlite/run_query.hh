// The SQL of a run listing. Chosen here and not by SQLite's planner, so that a listing is always one walk along one index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "store/cursor.hh"
#include "store/sqlite/database.hh"

namespace werkbank::store::sqlite {

struct RunSelect {
  std::string sql;
  std::vector<std::variant<int64_t, std::string>> values;
};

// The columns of every run query, in the order in which run_queries.cc reads them.
inline constexpr const char* kRunColumns =
    "r.id, r.workspace, r.run_id, r.experiment_id, e.name, r.number, r.parent_id, r.root_id, r.display_name, r.description, "
    "r.run_type, "
    "r.control, r.status, r.stage, r.target, r.script, r.created_by, r.created_ms, r.queued_ms, r.started_ms, r.ended_ms, "
    "r.deleted_ms, "
    "r.priority, r.attempt, r.cancel_requested, r.cancel_who, r.end, r.warnings, r.revision";

// Usually one statement; with several statuses and no narrower filter, one per status: the caller merges their rows.
// `experiment_id` is query.experiment's id.
std::vector<RunSelect> plan_run_listing(const RunQuery& query, std::optional<int64_t> experiment_id,
                                        const std::optional<RunSortKey>& after);

}  // namespace werkbank::store::sqlite
