// Reading and writing of binary records: little-endian fixed integers, varints (LEB128), zigzag for signed ones, counted texts.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace werkbank::store::sqlite {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian, and written as they lie in memory");

constexpr uint64_t zigzag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
constexpr int64_t unzigzag(uint64_t value) { return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1))); }

inline void put_u32(std::string& out, uint32_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
inline void put_u64(std::string& out, uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
inline void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}
inline void put_signed(std::string& out, int64_t value) { put_varint(out, zigzag(value)); }
inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

// Reads with every bound checked. After the first failure everything reads as 0 or empty, and failed() stays true.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  void refuse() {
    failed_ = true;
    rest_ = {};
  }

  uint8_t byte() {
    if (rest_.empty()) return refuse(), 0;
    const auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t part = byte();
      value |= static_cast<uint64_t>(part & 0x7F) << shift;
      if ((part & 0x80) == 0) return value;
    }
    refuse();
    return 0;
  }
  int64_t integer() { return unzigzag(varint()); }
  std::string_view bytes(size_t size) {
    if (size > rest_.size()) return refuse(), std::string_view();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view text() { return bytes(varint()); }

 private:
  template <typename T>
  T fixed() {
    T value = 0;
    const std::string_view taken = bytes(sizeof value);
    if (taken.size() == sizeof value) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace werkbank::store::sqlite
