// series.db: what of the series is rolled up. The roll-up writes it in one transaction; readers see one state of it.
#pragma once

#include <optional>
#include <vector>

#include "store/series.hh"
#include "store/sqlite/database.hh"
#include "store/sqlite/series_tail.hh"

namespace werkbank::store::sqlite {

inline constexpr size_t kChunkPointsMax = 8192;
inline constexpr size_t kChunkPointsMin = 1000;  // a last chunk below it is joined with what comes next

Result<int64_t> find_accepted(Database& db, const SeriesWriter& writer);
Result<std::vector<MetricSummary>> list_summaries(Database& db, const RunKey& run);  // by first appearance
// The rolled-up points with sequence >= from, at most `limit`, appended to `points`.
Status read_points(Database& db, const RunKey& run, const std::string& metric, const std::string& column, int64_t from,
                   int64_t limit, std::vector<MetricPoint>& points);

// Writes a generation; everything in segments below `first_segment` is then rolled up. Whole or not at all.
Status roll_up(Database& db, const Generation& generation, uint64_t first_segment);
Result<uint64_t> find_first_segment(Database& db);

}  // namespace werkbank::store::sqlite
