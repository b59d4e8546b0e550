#include "store/sqlite/point_columns.hh"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>

#include <fmt/format.h>

#include "store/sqlite/bytes.hh"

namespace werkbank::store::sqlite {
namespace {

constexpr uint8_t kChunkVersion = 1;
constexpr int kZstdLevel = 1;
constexpr size_t kChunkTextBytesMax = 1 << 20;
constexpr uint64_t kBodyBytesMax = 1ULL << 32;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(errors::store_corrupt, fmt::format("a chunk of metric points does not read back: {}", what));
}

// Byte k of all numbers, then byte k+1 …: bytes that vary little come to lie side by side, which is what zstd likes.
void put_transposed(std::string& out, const std::vector<uint64_t>& numbers) {
  const size_t start = out.size();
  out.resize(start + numbers.size() * 8);
  char* target = out.data() + start;
  for (int k = 0; k < 8; ++k) {
    for (const uint64_t number : numbers) *target++ = static_cast<char>(number >> (8 * k));
  }
}

std::vector<uint64_t> take_transposed(ByteReader& reader, size_t count) {
  const std::string_view bytes = reader.bytes(count * 8);
  std::vector<uint64_t> numbers(bytes.empty() ? 0 : count);
  for (size_t k = 0; k < 8; ++k) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[k * count + i])) << (8 * k);
    }
  }
  return numbers;
}

// Differences of differences, zigzagged; arithmetic modulo 2^64, so that any integers come back.
std::vector<uint64_t> delta_of_delta(const int64_t* values, size_t count) {
  std::vector<uint64_t> coded(count);
  uint64_t last = 0, last_delta = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t value = static_cast<uint64_t>(values[i]);
    const uint64_t delta = value - last;
    coded[i] = zigzag(static_cast<int64_t>(delta - last_delta));
    last = value;
    last_delta = delta;
  }
  return coded;
}

std::vector<int64_t> undo_delta_of_delta(const std::vector<uint64_t>& coded) {
  std::vector<int64_t> values(coded.size());
  uint64_t last = 0, delta = 0;
  for (size_t i = 0; i < coded.size(); ++i) {
    delta += static_cast<uint64_t>(unzigzag(coded[i]));
    last += delta;
    values[i] = static_cast<int64_t>(last);
  }
  return values;
}

}  // namespace

void PointColumns::add(int64_t timestamp_ms, std::optional<int64_t> step, const MetricValue& value) {
  timestamps_.push_back(timestamp_ms);
  steps_.push_back(step.value_or(0));
  uint8_t tag = kNull;
  uint64_t bits = 0;
  if (const auto* const integer = std::get_if<int64_t>(&value)) {
    tag = kInteger;
    bits = static_cast<uint64_t>(*integer);
  } else if (const auto* const number = std::get_if<double>(&value)) {
    tag = kDouble;
    bits = std::bit_cast<uint64_t>(*number);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    tag = kText;
    bits = texts_.size();
    texts_.push_back(*text);
  }
  tags_.push_back(static_cast<uint8_t>(tag | (step ? kHasStep : 0)));
  bits_.push_back(bits);
}

MetricPoint PointColumns::at(size_t index, int64_t sequence) const {
  MetricPoint point{sequence, timestamps_[index], steps_[index], (tags_[index] & kHasStep) != 0, {}};
  switch (tags_[index] & kTagMask) {
    case kInteger:
      point.value = static_cast<int64_t>(bits_[index]);
      break;
    case kDouble:
      point.value = std::bit_cast<double>(bits_[index]);
      break;
    case kText:
      point.value = texts_[bits_[index]];
      break;
    default:
      break;
  }
  return point;
}

void PointColumns::append(const PointColumns& other) {
  const size_t text_offset = texts_.size();
  const size_t first = size();
  timestamps_.insert(timestamps_.end(), other.timestamps_.begin(), other.timestamps_.end());
  steps_.insert(steps_.end(), other.steps_.begin(), other.steps_.end());
  tags_.insert(tags_.end(), other.tags_.begin(), other.tags_.end());
  bits_.insert(bits_.end(), other.bits_.begin(), other.bits_.end());
  texts_.insert(texts_.end(), other.texts_.begin(), other.texts_.end());
  for (size_t i = first; i < size(); ++i) {
    if ((tags_[i] & kTagMask) == kText) bits_[i] += text_offset;
  }
}

size_t PointColumns::chunk_length(size_t first, size_t count_max) const {
  const size_t end = std::min(size(), first + count_max);
  if (texts_.empty()) return end - first;
  size_t text_bytes = 0, at = first;
  for (; at < end && text_bytes < kChunkTextBytesMax; ++at) {
    if ((tags_[at] & kTagMask) == kText) text_bytes += texts_[bits_[at]].size();
  }
  return at - first;
}

std::string PointColumns::encode_body(size_t first, size_t count) const {
  std::string body;
  const uint8_t* const tags = tags_.data() + first;
  const bool one_tag = std::all_of(tags, tags + count, [&](uint8_t tag) { return tag == tags[0]; });
  const bool any_step = std::any_of(tags, tags + count, [](uint8_t tag) { return (tag & kHasStep) != 0; });
  body += static_cast<char>(one_tag ? 1 : 0);
  body.append(reinterpret_cast<const char*>(tags), one_tag ? 1 : count);
  put_transposed(body, delta_of_delta(timestamps_.data() + first, count));
  if (any_step) put_transposed(body, delta_of_delta(steps_.data() + first, count));
  std::vector<uint64_t> bits(bits_.begin() + static_cast<ptrdiff_t>(first),
                             bits_.begin() + static_cast<ptrdiff_t>(first + count));
  int64_t last_integer = 0;
  for (size_t i = 0; i < count; ++i) {
    if ((tags[i] & kTagMask) == kInteger) {
      const auto value = static_cast<int64_t>(bits[i]);
      bits[i] = zigzag(static_cast<int64_t>(static_cast<uint64_t>(value) - static_cast<uint64_t>(last_integer)));
      last_integer = value;
    } else if ((tags[i] & kTagMask) == kText) {
      bits[i] = texts_[bits[i]].size();
    }
  }
  put_transposed(body, bits);
  for (size_t i = first; i < first + count; ++i) {
    if ((tags_[i] & kTagMask) == kText) body += texts_[bits_[i]];
  }
  return body;
}

Result<PointColumns> PointColumns::decode_body(std::string_view body, size_t count) {
  ByteReader reader(body);
  PointColumns points;
  const uint8_t form = reader.byte();
  if (form > 1 || count > body.size()) return malformed("unknown form");
  const std::string_view tags = reader.bytes(form == 1 ? 1 : count);
  if (reader.failed()) return malformed("tags are missing");
  points.tags_.assign(count, static_cast<uint8_t>(tags[0]));
  if (form == 0) std::copy(tags.begin(), tags.end(), points.tags_.begin());
  const bool any_step = std::ranges::any_of(points.tags_, [](uint8_t tag) { return (tag & kHasStep) != 0; });
  points.timestamps_ = undo_delta_of_delta(take_transposed(reader, count));
  points.steps_.assign(count, 0);
  if (any_step) points.steps_ = undo_delta_of_delta(take_transposed(reader, count));
  points.bits_ = take_transposed(reader, count);
  if (reader.failed()) return malformed("columns are missing");
  uint64_t last_integer = 0;
  for (size_t i = 0; i < count; ++i) {
    if ((points.tags_[i] & kTagMask) == kInteger) {
      last_integer += static_cast<uint64_t>(unzigzag(points.bits_[i]));
      points.bits_[i] = last_integer;
    } else if ((points.tags_[i] & kTagMask) == kText) {
      points.texts_.emplace_back(reader.bytes(points.bits_[i]));
      points.bits_[i] = points.texts_.size() - 1;
    }
  }
  if (reader.failed() || !reader.at_end()) return malformed("texts do not fit");
  return points;
}

Result<std::string> PointColumns::encode(size_t first, size_t count) const {
  WB_INVARIANT(count > 0 && first + count <= size());
  const std::string body = encode_body(first, count);
  std::string chunk;
  chunk += static_cast<char>(kChunkVersion);
  put_varint(chunk, count);
  put_varint(chunk, body.size());
  const size_t header = chunk.size();
  chunk.resize(header + ZSTD_compressBound(body.size()));
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const size_t size = ZSTD_compress2(context.get(), chunk.data() + header, chunk.size() - header, body.data(), body.size());
  if (ZSTD_isError(size) != 0) return fail(errors::internal, fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  chunk.resize(header + size);
  return chunk;
}

Result<PointColumns> PointColumns::decode(std::string_view chunk) {
  ByteReader reader(chunk);
  const uint8_t version = reader.byte();
  if (version > kChunkVersion) {
    return fail(errors::store_newer,
                fmt::format("a chunk of metric points has version {}; this Werkbank knows {}", version, kChunkVersion));
  }
  const uint64_t count = reader.varint();
  const uint64_t body_size = reader.varint();
  if (reader.failed() || version == 0 || count == 0 || body_size > kBodyBytesMax) return malformed("bad header");
  const std::string_view compressed = reader.bytes(reader.remaining());
  if (ZSTD_getFrameContentSize(compressed.data(), compressed.size()) != body_size) return malformed("sizes differ");
  std::string body(body_size, '\0');
  const size_t size = ZSTD_decompress(body.data(), body.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size) != 0) return malformed(ZSTD_getErrorName(size));
  return decode_body(std::string_view(body).substr(0, size), count);
}

void put_value(std::string& out, const MetricValue& value) {
  out += static_cast<char>(value.index());
  if (const auto* const integer = std::get_if<int64_t>(&value)) {
    put_signed(out, *integer);
  } else if (const auto* const number = std::get_if<double>(&value)) {
    put_u64(out, std::bit_cast<uint64_t>(*number));
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    put_text(out, *text);
  }
}

MetricValue take_value(ByteReader& reader) {
  switch (reader.byte()) {
    case 0:
      return std::monostate();
    case 1:
      return reader.integer();
    case 2:
      return std::bit_cast<double>(reader.u64());
    case 3:
      return std::string(reader.text());
    default:
      reader.refuse();
      return std::monostate();
  }
}

}  // namespace werkbank::store::sqlite
