#include "net/url.hh"

#include <fmt/format.h>

#include "base/files.hh"
#include "net/http_client.hh"

namespace werkbank::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, std::string_view what, bool plus_is_blank) {
  const auto refuse = [&](std::string_view why) { return fail(errors::invalid_request, fmt::format("the {} {}", what, why)); };
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return refuse("has a % that is not followed by two hex digits");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (decoded.find('\0') != std::string::npos) return refuse("holds a NUL");
  if (!is_valid_utf8(decoded)) return refuse("is not valid UTF-8");
  return decoded;
}

Status parse_path(std::string_view path, Target& target) {
  path.remove_prefix(1);
  while (!path.empty()) {
    const size_t slash = path.find('/');
    TRY(std::string segment, decode(path.substr(0, slash), "path", false));
    target.segments.push_back(std::move(segment));
    path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  }
  return {};
}

Status parse_query(std::string_view query, Target& target) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    TRY(std::string name, decode(pair.substr(0, equals), "query", true));
    TRY(std::string value, decode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1), "query", true));
    target.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.path = text;
    return target;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const size_t path_start = text.find_first_of("/?", scheme.size());
    text = path_start == text.npos ? std::string_view("/") : text.substr(path_start);
    break;
  }
  if (!text.starts_with('/')) return fail(errors::invalid_request, "the target of the request is not a path");
  const size_t question = text.find('?');
  target.path = text.substr(0, question);
  CHECK_OK(parse_path(target.path, target));
  if (question != text.npos) CHECK_OK(parse_query(text.substr(question + 1), target));
  return target;
}

std::string encode_segment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                          c == '_' || c == '~';
    if (is_plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace werkbank::net
