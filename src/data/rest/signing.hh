// What signed requests are made of.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hh"
#include "base/result.hh"

namespace werkbank::data {

std::string hmac_sha256(std::string_view key, std::string_view text);  // 32 bytes
std::string sha256_hex(std::string_view bytes);
std::string md5_hex(std::string_view bytes);  // an ETag of S3, nothing safe
std::string hex_of(std::string_view bytes);
std::string base64_encode(std::string_view bytes);         // RFC 4648, with padding
Result<std::string> base64_decode(std::string_view text);  // invalid_request; the text is not shown
std::string http_date(UtcMs time);                         // "Sat, 21 Nov 2026 20:35:00 GMT"
UtcMs parse_http_date(const std::string& text);            // 0 where it is none

}  // namespace werkbank::data
