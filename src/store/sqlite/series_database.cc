#include "store/sqlite/series_database.hh"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.hh"
#include "store/sqlite/bytes.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr size_t kJoinBytesMax = 256 * 1024;  // a last chunk of long texts is not rewritten for a few points more

// series.last: sequence, timestamp, step, value.
std::string stored_point(const MetricPoint& point) {
  std::string out;
  put_signed(out, point.sequence);
  put_signed(out, point.timestamp_ms);
  out += static_cast<char>(point.has_step ? 1 : 0);
  put_signed(out, point.step);
  put_value(out, point.value);
  return out;
}

MetricPoint point_from_stored(std::string_view bytes) {
  ByteReader reader(bytes);
  MetricPoint point;
  point.sequence = reader.integer();
  point.timestamp_ms = reader.integer();
  point.has_step = reader.byte() != 0;
  point.step = reader.integer();
  point.value = take_value(reader);
  return point;
}

std::optional<double> optional_number(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional<double>(row.number(column));
}

Status remove_run_rows(Database& db, const RunKey& run) {
  CHECK_OK(db.execute("DELETE FROM chunks WHERE series IN (SELECT id FROM series WHERE workspace = ? AND run_id = ?)",
                      run.workspace, run.run_id));
  CHECK_OK(db.execute("DELETE FROM series WHERE workspace = ? AND run_id = ?", run.workspace, run.run_id));
  return db.execute("DELETE FROM writers WHERE workspace = ? AND run_id = ?", run.workspace, run.run_id);
}

Result<int64_t> put_series_row(Database& db, const RunKey& run, int64_t position, const MetricSummary& summary) {
  TRY(Statement statement,
      db.prepare(
          "INSERT INTO series (workspace, run_id, position, metric, column_name, kind, count, minimum, maximum, last) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, run_id, metric, column_name) DO UPDATE SET "
          "count = excluded.count, minimum = excluded.minimum, maximum = excluded.maximum, last = excluded.last RETURNING id"));
  const std::string last = stored_point(summary.last);
  statement.bind_all(run.workspace, run.run_id, position, summary.name, summary.column, to_string(summary.kind), summary.count,
                     summary.minimum, summary.maximum);
  statement.bind_blob(10, last);
  TRY(const bool found, statement.step());
  if (!found) return fail(errors::internal, "a series got no row");
  const int64_t id = statement.integer(0);
  CHECK_OK(statement.step());
  return id;
}

Status put_chunks(Database& db, int64_t series, int64_t first, const PointColumns& points, size_t from) {
  while (from < points.size()) {
    const size_t count = points.chunk_length(from, kChunkPointsMax);
    TRY(const std::string chunk, points.encode(from, count));
    TRY(Statement statement, db.prepare("INSERT INTO chunks (series, first, count, data) VALUES (?, ?, ?, ?)"));
    statement.bind_all(series, first + static_cast<int64_t>(from), static_cast<int64_t>(count));
    statement.bind_blob(4, chunk);
    CHECK_OK(statement.step());
    from += count;
  }
  return {};
}

// A short last chunk is taken back and written again together with the new points.
Status put_points(Database& db, int64_t series, const SeriesTail& tail) {
  int64_t chunk_row = 0, chunk_first = 0;
  std::string chunk;
  {
    TRY(Statement last, db.prepare("SELECT id, first, count, data FROM chunks WHERE series = ? ORDER BY first DESC LIMIT 1"));
    last.bind_all(series);
    TRY(const bool found, last.step());
    const int64_t end = found ? last.integer(1) + last.integer(2) : 0;
    if (end != tail.first) {
      return fail(corrupt_error(
          db.path(), fmt::format("metric {:?} ends at point {} where {} is expected", tail.summary.name, end, tail.first)));
    }
    if (found && last.integer(2) < static_cast<int64_t>(kChunkPointsMin) && last.blob(3).size() < kJoinBytesMax) {
      chunk_row = last.integer(0);
      chunk_first = last.integer(1);
      chunk = last.blob(3);
    }
  }
  if (chunk_row == 0) return put_chunks(db, series, tail.first, tail.points, 0);
  TRY(PointColumns joined, PointColumns::decode(chunk));
  joined.append(tail.points);
  CHECK_OK(db.execute("DELETE FROM chunks WHERE id = ?", chunk_row));
  return put_chunks(db, series, chunk_first, joined, 0);
}

Status write_generation(Database& db, const Generation& generation, uint64_t first_segment) {
  for (const RunKey& run : generation.removed) CHECK_OK(remove_run_rows(db, run));
  for (const auto& [run, run_tail] : generation.runs) {
    int64_t position = 0;
    for (const SeriesTail& tail : run_tail.series()) {
      ++position;
      if (tail.points.size() == 0) continue;
      TRY(const int64_t series, put_series_row(db, run, position, tail.summary));
      CHECK_OK(put_points(db, series, tail));
    }
  }
  for (const auto& [writer, accepted] : generation.accepted) {
    CHECK_OK(
        db.execute("INSERT INTO writers (workspace, run_id, attempt, rank, writer, accepted) VALUES (?, ?, ?, ?, ?, ?) "
                   "ON CONFLICT (workspace, run_id, attempt, rank, writer) DO UPDATE SET accepted = excluded.accepted",
                   writer.run.workspace, writer.run.run_id, writer.attempt, writer.rank, writer.writer, accepted));
  }
  return db.execute("INSERT OR REPLACE INTO state (name, value) VALUES ('first_segment', ?)",
                    static_cast<int64_t>(first_segment));
}

}  // namespace

Result<int64_t> find_accepted(Database& db, const SeriesWriter& writer) {
  TRY(const std::optional<int64_t> found,
      db.find_integer(
          "SELECT accepted FROM writers WHERE workspace = ? AND run_id = ? AND attempt = ? AND rank = ? AND writer = ?",
          writer.run.workspace, writer.run.run_id, writer.attempt, writer.rank, writer.writer));
  return found.value_or(0);
}

Result<std::vector<MetricSummary>> list_summaries(Database& db, const RunKey& run) {
  TRY(Statement statement, db.prepare("SELECT metric, column_name, kind, count, minimum, maximum, last FROM series "
                                      "WHERE workspace = ? AND run_id = ? ORDER BY position"));
  statement.bind_all(run.workspace, run.run_id);
  std::vector<MetricSummary> summaries;
  while (true) {
    TRY(const bool found, statement.step());
    if (!found) return summaries;
    MetricSummary& summary = summaries.emplace_back();
    summary.name = statement.text(0);
    summary.column = statement.text(1);
    summary.kind = parse_metric_kind(statement.text(2)).value_or(MetricKind::kScalar);
    summary.count = statement.integer(3);
    summary.minimum = optional_number(statement, 4);
    summary.maximum = optional_number(statement, 5);
    summary.last = point_from_stored(statement.blob(6));
  }
}

Status read_points(Database& db, const RunKey& run, const std::string& metric, const std::string& column, int64_t from,
                   int64_t limit, std::vector<MetricPoint>& points) {
  TRY(const std::optional<int64_t> series,
      db.find_integer("SELECT id FROM series WHERE workspace = ? AND run_id = ? AND metric = ? AND column_name = ?",
                      run.workspace, run.run_id, metric, column));
  if (!series) return {};
  TRY(Statement statement,
      db.prepare(
          "SELECT first, count, data FROM chunks WHERE series = ?1 AND first >= coalesce((SELECT max(first) FROM chunks WHERE "
          "series = ?1 AND first <= ?2), 0) ORDER BY first"));
  statement.bind_all(*series, from);
  while (limit > 0) {
    TRY(const bool found, statement.step());
    if (!found) return {};
    const int64_t first = statement.integer(0), count = statement.integer(1);
    if (first + count <= from) continue;
    TRY(const PointColumns chunk, PointColumns::decode(statement.blob(2)));
    if (static_cast<int64_t>(chunk.size()) != count)
      return fail(corrupt_error(db.path(), "a chunk has another count than its row"));
    for (int64_t at = std::max(from, first); at < first + count && limit > 0; ++at, --limit) {
      points.push_back(chunk.at(static_cast<size_t>(at - first), at));
    }
  }
  return {};
}

Status roll_up(Database& db, const Generation& generation, uint64_t first_segment) {
  CHECK_OK(db.execute("BEGIN IMMEDIATE"));
  Status written = write_generation(db, generation, first_segment);
  failpoint_kill("series.before_rollup_commit");
  if (written) written = db.execute("COMMIT");
  failpoint_kill("series.after_rollup_commit");
  if (!written && db.in_transaction()) (void)db.execute("ROLLBACK");
  return written;
}

Result<uint64_t> find_first_segment(Database& db) {
  TRY(const std::optional<int64_t> found, db.find_integer("SELECT value FROM state WHERE name = 'first_segment'"));
  return static_cast<uint64_t>(found.value_or(1));
}

}  // namespace werkbank::store::sqlite
