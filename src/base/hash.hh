// Content hashes: BLAKE2b-256 (libsodium), written as 64 lower-case hex digits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank {

class Hash {
 public:
  static constexpr size_t kSizeBytes = 32;
  static Result<Hash> parse(std::string_view hex);  // exactly 64 hex digits, lower case
  static Hash of(std::string_view bytes);
  static Result<Hash> of_file(const std::filesystem::path& path);  // reads in 1 MiB pieces

  std::string hex() const;
  void write_hex(char* to) const;  // 2 * kSizeBytes characters, no NUL
  auto operator<=>(const Hash&) const = default;
  std::array<uint8_t, kSizeBytes> bytes{};
};

class Hasher {
 public:
  Hasher();
  void update(std::string_view bytes);
  Hash finish();

 private:
  alignas(64) std::array<unsigned char, 384> state_;
};

// Tells bytes from bytes that were damaged by chance, several times faster than a Hash; anybody can forge one.
using Checksum = std::array<uint8_t, 16>;
Checksum checksum(std::string_view bytes);

std::string hex_encode(std::string_view bytes);
std::string base64url_encode(std::string_view bytes);  // no padding
Result<std::string> base64url_decode(std::string_view text);
std::string random_hex(size_t byte_count);  // from the kernel's generator
std::string random_uuid();                  // version 4, lower case

}  // namespace werkbank
