#include "store/sqlite/point_columns.hh"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/hash.hh"
#include "store/sqlite/bytes.hh"
#include "store/sqlite/segment_log.hh"
#include "store/sqlite/series_record.hh"

using namespace werkbank;
using namespace werkbank::store;
using namespace werkbank::store::sqlite;

namespace {

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

PointColumns example() {
  PointColumns points;
  points.add(1000, 1, int64_t{5});
  points.add(1010, 2, int64_t{3});
  points.add(1021, std::nullopt, 0.5);
  points.add(1020, 4, std::string("ab"));
  points.add(1030, 5, std::monostate());
  return points;
}

// The body of `example()` and a whole chunk of it as version 1 wrote them: they must read back for ever.
constexpr std::string_view kBody =
    "000505020704d0bb02171607070000000000000000000000000000000000000000000000000000000000000000000200050c05000000000000000000"
    "00000000000000000000000000000000000000000000000000000a03000200000000000000000000000000000000000000000000000000000000e000"
    "0000003f00006162";
constexpr std::string_view kChunk =
    "0105800128b52ffd24806d01003402000505020704d0bb0217160707000200050c05000a03000200e0000000003f00006162031000a1760a5c093be4"
    "9309";

void check_example(const PointColumns& points) {
  REQUIRE(points.size() == 5);
  CHECK(std::get<int64_t>(points.at(0, 0).value) == 5);
  CHECK(std::get<int64_t>(points.at(1, 1).value) == 3);
  CHECK(std::get<double>(points.at(2, 2).value) == 0.5);
  CHECK(!points.at(2, 2).has_step);
  CHECK(std::get<std::string>(points.at(3, 3).value) == "ab");
  CHECK(points.at(3, 3).timestamp_ms == 1020);
  CHECK(points.at(3, 3).step == 4);
  CHECK(std::holds_alternative<std::monostate>(points.at(4, 4).value));
  CHECK(points.at(4, 9).sequence == 9);
}

}  // namespace

TEST_CASE("golden: the chunk of version 1") {
  CHECK(hex_encode(example().encode_body(0, 5)) == kBody);
  const Result<PointColumns> decoded = PointColumns::decode(unhex(kChunk));
  REQUIRE_MESSAGE(decoded, decoded.error().to_string());
  check_example(*decoded);
  const Result<std::string> chunk = example().encode(0, 5);
  REQUIRE(chunk);
  check_example(*PointColumns::decode(*chunk));
}

TEST_CASE("golden: the records of the segment log of version 1") {
  CHECK(crc32c("123456789") == 0xE3069283);
  MetricLine line{.sequence = 7, .name = "m", .kind = MetricKind::kScalar, .timestamp_ms = 1000, .step = -1};
  line.columns = {{"", {int64_t{300}, 0.5, std::string("t"), std::monostate()}}};
  std::string payload;
  put_lines_record(payload, {{"w", "r"}, 1, 2, "x"}, {line}, 0);
  CHECK(hex_encode(payload) ==
        "010177017202040178010e016d11617a7572656d6c2e76312e7363616c6172d00f010101000401d80402000000000000e03f03017400");
  const Result<SeriesRecord> parsed = parse_series_record(payload);
  REQUIRE(parsed);
  const auto& lines = std::get<LinesRecord>(*parsed);
  CHECK(lines.writer == SeriesWriter{{"w", "r"}, 1, 2, "x"});
  CHECK(lines.lines.at(0).step == -1);
  CHECK(lines.lines.at(0).columns.at(0).values == line.columns[0].values);
  for (size_t size = 0; size < payload.size(); ++size) CHECK(!parse_series_record(std::string_view(payload).substr(0, size)));
}

TEST_CASE("extreme values, parts of a column, and long texts") {
  PointColumns points;
  const std::vector<double> numbers{0.0, -0.0, 5e-324, std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::infinity()};
  for (int i = 0; i < 3000; ++i) {
    const int64_t extreme = i % 3 == 0 ? INT64_MIN : i % 3 == 1 ? INT64_MAX : i;
    const MetricValue value = i % 2 == 0 ? MetricValue(extreme) : MetricValue(numbers[static_cast<size_t>(i) % 5]);
    points.add(extreme, i % 7 == 0 ? std::nullopt : std::optional<int64_t>(extreme / 2), value);
  }
  const Result<std::string> chunk = points.encode(1000, 2000);
  REQUIRE(chunk);
  const Result<PointColumns> decoded = PointColumns::decode(*chunk);
  REQUIRE(decoded);
  for (size_t i = 0; i < 2000; ++i) {
    const MetricPoint a = decoded->at(i, 0), b = points.at(1000 + i, 0);
    REQUIRE(a.timestamp_ms == b.timestamp_ms);
    REQUIRE(a.has_step == b.has_step);
    REQUIRE(a.step == b.step);
    REQUIRE(a.value.index() == b.value.index());
    if (const double* const number = std::get_if<double>(&a.value)) {
      REQUIRE(std::bit_cast<uint64_t>(*number) == std::bit_cast<uint64_t>(std::get<double>(b.value)));
    } else {
      REQUIRE(a.value == b.value);
    }
  }
  CHECK(points.chunk_length(0, 8192) == 3000);
  CHECK(points.chunk_length(0, 100) == 100);
  PointColumns texts;
  for (int i = 0; i < 10; ++i) texts.add(i, {}, std::string(1 << 19, 'x'));
  CHECK(texts.chunk_length(0, 8192) == 2);
}

TEST_CASE("a damaged chunk is refused, never read as something else") {
  const std::string chunk = *example().encode(0, 5);
  for (size_t size = 0; size < chunk.size(); ++size) CHECK(!PointColumns::decode(std::string_view(chunk).substr(0, size)));
  for (size_t i = 3; i < chunk.size(); ++i) {
    std::string damaged = chunk;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
    CHECK(!PointColumns::decode(damaged));
  }
  std::string newer = chunk;
  newer[0] = 2;
  CHECK(PointColumns::decode(newer).error().code->id == "store_newer");
}
