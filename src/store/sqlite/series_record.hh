// The records of the segment log (docs/reference/series-format.md): the lines of one request, or the removal of a run.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/series.hh"

namespace werkbank::store::sqlite {

struct LinesRecord {
  SeriesWriter writer;
  std::vector<MetricLine> lines;
};
struct RemovalRecord {
  RunKey run;
};
using SeriesRecord = std::variant<LinesRecord, RemovalRecord>;

// Appends the payload; `lines` from index `first` on.
void put_lines_record(std::string& out, const SeriesWriter& writer, const std::vector<MetricLine>& lines, size_t first);
void put_removal_record(std::string& out, const RunKey& run);
Result<SeriesRecord> parse_series_record(std::string_view payload);

}  // namespace werkbank::store::sqlite
