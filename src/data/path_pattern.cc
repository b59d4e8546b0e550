#include "data/path_pattern.hh"

#include <algorithm>

#include "base/files.hh"

namespace werkbank::data {
namespace {

constexpr std::string_view kWildcards = "*?[";

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= path.size() && !path.empty();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Of "[…]" at `at`: where it ends, or npos for a '[' that nothing closes. A ']' that comes first is one of the characters.
size_t class_end(std::string_view pattern, size_t at) {
  size_t first = at + 1;
  if (first < pattern.size() && (pattern[first] == '!' || pattern[first] == '^')) ++first;
  return first < pattern.size() ? pattern.find(']', first + 1) : pattern.npos;
}

bool class_has(std::string_view members, unsigned char c) {
  const bool is_negated = members.starts_with('!') || members.starts_with('^');
  if (is_negated) members.remove_prefix(1);
  bool found = false;
  for (size_t i = 0; i < members.size(); ++i) {
    const auto low = static_cast<unsigned char>(members[i]);
    const bool is_range = i + 2 < members.size() && members[i + 1] == '-';
    const auto high = is_range ? static_cast<unsigned char>(members[i + 2]) : low;
    found = found || (low <= c && c <= high);
    if (is_range) i += 2;
  }
  return found != is_negated;
}

// One character of the text against what stands at `at`; the place behind it, or npos.
size_t match_one(std::string_view pattern, size_t at, char c) {
  if (pattern[at] == '?') return at + 1;
  if (pattern[at] == '[') {
    const size_t end = class_end(pattern, at);
    if (end != pattern.npos)
      return class_has(pattern.substr(at + 1, end - at - 1), static_cast<unsigned char>(c)) ? end + 1 : pattern.npos;
  }
  return pattern[at] == c ? at + 1 : pattern.npos;
}

// A part of a path. The last '*' alone is ever tried again, so that the effort stays below the product of both lengths.
bool matches_part(std::string_view pattern, std::string_view text) {
  size_t at = 0, from = 0, star = pattern.npos, star_from = 0;
  while (from < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_from = from;
      continue;
    }
    const size_t next = at < pattern.size() ? match_one(pattern, at, text[from]) : pattern.npos;
    if (next != pattern.npos) {
      at = next;
      ++from;
    } else if (star != pattern.npos) {
      at = star + 1;
      from = ++star_from;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool matches_parts(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  size_t at = 0, from = 0, star = pattern.size(), star_from = 0;
  while (from < path.size()) {
    if (at < pattern.size() && pattern[at] == "**") {
      star = at++;
      star_from = from;
    } else if (at < pattern.size() && matches_part(pattern[at], path[from])) {
      ++at;
      ++from;
    } else if (star < pattern.size()) {
      at = star + 1;
      from = ++star_from;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == "**") ++at;
  return at == pattern.size();
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
  while (text.starts_with("./")) text.remove_prefix(2);
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  PathPattern pattern;
  if (text.empty() || text == ".") return pattern;
  TRY(const RelativePath checked, RelativePath::parse(text));
  pattern.text_ = checked.text();
  for (const std::string_view part : split(pattern.text_)) pattern.parts_.emplace_back(part);
  const size_t wildcard = pattern.text_.find_first_of(kWildcards);
  pattern.has_wildcards_ = wildcard != std::string::npos;
  pattern.prefix_ = pattern.text_.substr(0, wildcard);
  const size_t slash = pattern.prefix_.rfind('/');
  pattern.folder_bytes_ = slash == std::string::npos ? 0 : slash + 1;
  return pattern;
}

bool PathPattern::matches(std::string_view path) const {
  if (text_.empty() || path == text_) return true;
  if (has_wildcards_) return matches_parts(parts_, split(path));
  return path.starts_with(text_) && path[text_.size()] == '/';
}

std::string PathPattern::name_of(std::string_view path) const {
  const bool is_folder = !has_wildcards_ && !text_.empty() && path.size() > text_.size();
  return std::string(path.substr(is_folder ? text_.size() + 1 : folder_bytes_));
}

}  // namespace werkbank::data
