#include "store/cursor.hh"

#include <charconv>

#include <fmt/format.h>

#include "base/hash.hh"

namespace werkbank::store {
namespace {

constexpr std::string_view kRunPrefix = "r1:";  // a letter for what it points into, a digit for its form
constexpr std::string_view kNamePrefix = "n1:";

std::unexpected<Error> bad_cursor(const std::string& cursor) {
  return fail(errors::invalid_request, fmt::format("cursor {:?} was not made by this listing", cursor),
              "Pass the `next` of the page before, unchanged, or leave the cursor out.");
}

bool take_integer(std::string_view& text, int64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  return true;
}

bool take_separator(std::string_view& text) {
  if (!text.starts_with(',')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<int64_t> check_limit(int64_t limit) {
  if (limit < 1 || limit > kPageLimitMax) {
    return fail(errors::invalid_request, fmt::format("limit {} is not between 1 and {}", limit, kPageLimitMax));
  }
  return limit;
}

std::string encode_run_cursor(const RunSortKey& key) {
  return base64url_encode(fmt::format("{}{},{},{}", kRunPrefix, key.created_ms, key.number, key.serial));
}

Result<std::optional<RunSortKey>> decode_run_cursor(const std::string& cursor) {
  if (cursor.empty()) return std::nullopt;
  const Result<std::string> decoded = base64url_decode(cursor);
  if (!decoded || !decoded->starts_with(kRunPrefix)) return bad_cursor(cursor);
  std::string_view rest = std::string_view(*decoded).substr(kRunPrefix.size());
  RunSortKey key;
  const bool read = take_integer(rest, key.created_ms) && take_separator(rest) && take_integer(rest, key.number) &&
                    take_separator(rest) && take_integer(rest, key.serial) && rest.empty();
  if (!read) return bad_cursor(cursor);
  return key;
}

std::string encode_name_cursor(const NameSortKey& key) {
  return base64url_encode(fmt::format("{}{},{}", kNamePrefix, key.id, key.name));
}

Result<NameSortKey> decode_name_cursor(const std::string& cursor) {
  if (cursor.empty()) return NameSortKey{};
  const Result<std::string> decoded = base64url_decode(cursor);
  if (!decoded || !decoded->starts_with(kNamePrefix)) return bad_cursor(cursor);
  std::string_view rest = std::string_view(*decoded).substr(kNamePrefix.size());
  NameSortKey key;
  if (!take_integer(rest, key.id) || !take_separator(rest)) return bad_cursor(cursor);
  key.name = rest;
  return key;
}

}  // namespace werkbank::store
