#include "base/hash.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/files.hh"

namespace werkbank {
namespace {

static_assert(sizeof(crypto_generichash_state) <= 384);

// Chooses the fastest implementations for this processor. Safe to call from any thread, any number of times.
void prepare_sodium() { WB_INVARIANT(sodium_init() >= 0); }

crypto_generichash_state* state_of(std::array<unsigned char, 384>& bytes) {
  return reinterpret_cast<crypto_generichash_state*>(bytes.data());
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<Hash> Hash::parse(std::string_view hex) {
  const auto refuse = [&] {
    return fail(errors::invalid_request, fmt::format("{:?} is not a hash", hex.substr(0, 80)),
                "A hash is 64 hex digits in lower case.");
  };
  if (hex.size() != 2 * kSizeBytes) return refuse();
  Hash hash;
  for (size_t i = 0; i < kSizeBytes; ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return refuse();
    hash.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return hash;
}

Hash Hash::of(std::string_view bytes) {
  prepare_sodium();
  Hash hash;
  crypto_generichash(hash.bytes.data(), kSizeBytes, bytes_of(bytes), bytes.size(), nullptr, 0);
  return hash;
}

Result<Hash> Hash::of_file(const std::filesystem::path& path) {
  constexpr size_t kPieceBytes = 1 << 20;
  TRY(const Fd file, open_file(path, O_RDONLY));
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const auto piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  Hasher hasher;
  for (;;) {
    const ssize_t count = ::read(file.get(), piece.get(), kPieceBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, "read " + path.string()));
    if (count == 0) return hasher.finish();
    hasher.update(std::string_view(piece.get(), static_cast<size_t>(count)));
  }
}

std::string Hash::hex() const { return hex_encode(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())); }

void Hash::write_hex(char* to) const {
  for (const uint8_t byte : bytes) {
    *to++ = kHexDigits[byte >> 4];
    *to++ = kHexDigits[byte & 15];
  }
}

Hasher::Hasher() {
  prepare_sodium();
  crypto_generichash_init(state_of(state_), nullptr, 0, Hash::kSizeBytes);
}

void Hasher::update(std::string_view bytes) { crypto_generichash_update(state_of(state_), bytes_of(bytes), bytes.size()); }

Hash Hasher::finish() {
  Hash hash;
  crypto_generichash_final(state_of(state_), hash.bytes.data(), Hash::kSizeBytes);
  return hash;
}

Checksum checksum(std::string_view bytes) {
  prepare_sodium();
  // Poly1305 under a key that everybody knows: of its two halves the second is only added to the sum.
  static constexpr unsigned char kKey[crypto_onetimeauth_KEYBYTES] = "werkbank checksum, version one.";
  Checksum sum;
  static_assert(sizeof sum == crypto_onetimeauth_BYTES);
  crypto_onetimeauth(sum.data(), bytes_of(bytes), bytes.size(), kKey);
  return sum;
}

std::string hex_encode(std::string_view bytes) {
  std::string text(bytes.size() * 2, '\0');
  char* to = text.data();
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = kHexDigits[byte >> 4];
    *to++ = kHexDigits[byte & 15];
  }
  return text;
}

std::string base64url_encode(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(), kVariant);
  text.resize(text.size() - 1);  // the terminating NUL
  return text;
}

Result<std::string> base64url_decode(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  size_t length = 0;
  const char* end = nullptr;
  const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(),
                                       nullptr, &length, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  if (failed != 0 || end != text.data() + text.size()) {
    return fail(errors::invalid_request, "the text is not base64url without padding");
  }
  bytes.resize(length);
  return bytes;
}

std::string random_hex(size_t byte_count) {
  prepare_sodium();
  std::string bytes(byte_count, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return hex_encode(bytes);
}

std::string random_uuid() {
  std::string hex = random_hex(16);
  hex[12] = '4';
  hex[16] = "89ab"[hex_digit(hex[16]) & 3];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

}  // namespace werkbank
