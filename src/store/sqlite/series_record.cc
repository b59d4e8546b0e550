#include "store/sqlite/series_record.hh"

#include "store/sqlite/bytes.hh"
#include "store/sqlite/point_columns.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr char kLines = 1;
constexpr char kRemoval = 2;

void put_line(std::string& out, const MetricLine& line) {
  put_signed(out, line.sequence);
  put_text(out, line.name);
  put_text(out, to_string(line.kind));
  put_signed(out, line.timestamp_ms);
  out += static_cast<char>(line.step ? 1 : 0);
  if (line.step) put_signed(out, *line.step);
  put_varint(out, line.columns.size());
  for (const MetricLine::Column& column : line.columns) {
    put_text(out, column.name);
    put_varint(out, column.values.size());
    for (const MetricValue& value : column.values) put_value(out, value);
  }
}

MetricLine take_line(ByteReader& reader) {
  MetricLine line;
  line.sequence = reader.integer();
  line.name = reader.text();
  const std::optional<MetricKind> kind = parse_metric_kind(reader.text());
  if (!kind) reader.refuse();
  line.kind = kind.value_or(MetricKind::kScalar);
  line.timestamp_ms = reader.integer();
  if (reader.byte() != 0) line.step = reader.integer();
  const uint64_t columns = reader.varint();
  for (uint64_t i = 0; i < columns && !reader.failed(); ++i) {
    MetricLine::Column& column = line.columns.emplace_back();
    column.name = reader.text();
    const uint64_t values = reader.varint();
    for (uint64_t j = 0; j < values && !reader.failed(); ++j) column.values.push_back(take_value(reader));
  }
  return line;
}

RunKey take_run(ByteReader& reader) {
  RunKey run;
  run.workspace = reader.text();
  run.run_id = reader.text();
  return run;
}

}  // namespace

void put_lines_record(std::string& out, const SeriesWriter& writer, const std::vector<MetricLine>& lines, size_t first) {
  out += kLines;
  put_text(out, writer.run.workspace);
  put_text(out, writer.run.run_id);
  put_signed(out, writer.attempt);
  put_signed(out, writer.rank);
  put_text(out, writer.writer);
  put_varint(out, lines.size() - first);
  for (size_t i = first; i < lines.size(); ++i) put_line(out, lines[i]);
}

void put_removal_record(std::string& out, const RunKey& run) {
  out += kRemoval;
  put_text(out, run.workspace);
  put_text(out, run.run_id);
}

Result<SeriesRecord> parse_series_record(std::string_view payload) {
  ByteReader reader(payload);
  SeriesRecord record;
  const uint8_t type = reader.byte();
  if (type == kLines) {
    LinesRecord lines;
    lines.writer.run = take_run(reader);
    lines.writer.attempt = reader.integer();
    lines.writer.rank = reader.integer();
    lines.writer.writer = reader.text();
    const uint64_t count = reader.varint();
    for (uint64_t i = 0; i < count && !reader.failed(); ++i) lines.lines.push_back(take_line(reader));
    record = std::move(lines);
  } else if (type == kRemoval) {
    record = RemovalRecord{take_run(reader)};
  } else {
    return fail(errors::store_newer, "the log of metric points holds a record of an unknown type");
  }
  if (reader.failed() || !reader.at_end())
    return fail(errors::store_corrupt, "a record of the log of metric points does not read back");
  return record;
}

}  // namespace werkbank::store::sqlite
