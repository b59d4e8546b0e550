// Points of one series, column by column: how the tail holds them (25 bytes a point) and how a chunk is encoded
// (docs/reference/series-format.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/metric.hh"

namespace werkbank::store::sqlite {

class ByteReader;

class PointColumns {
 public:
  size_t size() const { return timestamps_.size(); }
  void add(int64_t timestamp_ms, std::optional<int64_t> step, const MetricValue& value);
  // Point number `index`, with the sequence that the caller knows.
  MetricPoint at(size_t index, int64_t sequence) const;
  void append(const PointColumns& other);

  // How many points from `first` on make one chunk: at most count_max, fewer where their texts are long, at least one.
  size_t chunk_length(size_t first, size_t count_max) const;
  // The chunk of the points [first, first + count).
  Result<std::string> encode(size_t first, size_t count) const;
  static Result<PointColumns> decode(std::string_view chunk);

  // The bytes of a chunk before compression: what the format fixes, whatever zstd makes of it.
  std::string encode_body(size_t first, size_t count) const;

 private:
  enum Tag : uint8_t { kNull = 0, kInteger = 1, kDouble = 2, kText = 3, kTagMask = 3, kHasStep = 4 };
  static Result<PointColumns> decode_body(std::string_view body, size_t count);

  std::vector<int64_t> timestamps_;
  std::vector<int64_t> steps_;
  std::vector<uint8_t> tags_;
  std::vector<uint64_t> bits_;  // the integer, the double's bits, or the index of the text
  std::vector<std::string> texts_;
};

// A single value as it stands in log records and in series.last.
void put_value(std::string& out, const MetricValue& value);
MetricValue take_value(ByteReader& reader);

}  // namespace werkbank::store::sqlite
