#include "client/ignore_rules.hh"

#include <cctype>
#include <optional>

namespace werkbank::client {
namespace {

using CharacterTest = int (*)(int);

std::optional<CharacterTest> character_class(std::string_view name) {
  struct Named {
    std::string_view name;
    CharacterTest test;
  };
  static constexpr Named kClasses[] = {{"alnum", std::isalnum}, {"alpha", std::isalpha}, {"blank", std::isblank},
                                       {"cntrl", std::iscntrl}, {"digit", std::isdigit}, {"graph", std::isgraph},
                                       {"lower", std::islower}, {"print", std::isprint}, {"punct", std::ispunct},
                                       {"space", std::isspace}, {"upper", std::isupper}, {"xdigit", std::isxdigit}};
  for (const Named& known : kClasses) {
    if (known.name == name) return known.test;
  }
  return std::nullopt;
}

// ASCII, whatever the locale of the process.
bool is_in_class(CharacterTest test, int byte) { return byte < 128 && test(byte) != 0; }

// Blanks at the end do not count, unless a backslash stands before them.
std::string_view without_trailing_spaces(std::string_view line) {
  size_t end = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
      end = std::min(i + 1, line.size());
    } else if (line[i] != ' ') {
      end = i + 1;
    }
  }
  return line.substr(0, end);
}

}  // namespace

GlobPattern::GlobPattern(std::string_view pattern, bool is_path) : is_path_(is_path) {
  size_t literal_prefix = 0;  // the pattern begins anew after its plain beginning: "a**/b" crosses folders after the a, as in git
  while (literal_prefix < pattern.size() && std::string_view("*?[\\").find(pattern[literal_prefix]) == std::string_view::npos) {
    ++literal_prefix;
  }
  is_literal_ = literal_prefix == pattern.size();
  if (is_literal_) literal_ = pattern;
  for (size_t at = 0; at < pattern.size() && !never_ && !is_literal_;) {
    const char c = pattern[at];
    if (c == '*') {
      add_stars(pattern, at, at == literal_prefix || pattern[at - 1] == '/');
    } else if (c == '?') {
      tokens_.push_back({Kind::kAny});
      ++at;
    } else if (c == '[') {
      never_ = !add_set(pattern, at);
    } else if (c == '\\') {
      if (at + 1 == pattern.size()) {
        never_ = true;
      } else {
        tokens_.push_back({Kind::kLiteral, pattern[at + 1]});
      }
      at += 2;
    } else {
      tokens_.push_back({Kind::kLiteral, c});
      ++at;
    }
  }
}

void GlobPattern::add_stars(std::string_view pattern, size_t& at, bool at_component_start) {
  const size_t start = at;
  while (at < pattern.size() && pattern[at] == '*') ++at;
  const std::string_view rest = pattern.substr(at);
  const bool at_component_end = rest.empty() || rest[0] == '/' || rest.starts_with("\\/");
  if (!is_path_ || at - start < 2 || !at_component_start || !at_component_end) {
    tokens_.push_back({Kind::kStar});
  } else if (!rest.empty() && rest[0] == '/') {
    tokens_.push_back({Kind::kFolders});
    ++at;
  } else {
    tokens_.push_back({Kind::kAnything});
  }
}

// Reads "[…]" at `at`; false where it is malformed.
bool GlobPattern::add_set(std::string_view pattern, size_t& at) {
  std::bitset<256> set;
  size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  std::optional<unsigned char> previous;  // the possible start of a range
  for (bool first = true; first || i >= pattern.size() || pattern[i] != ']'; first = false) {
    if (i >= pattern.size()) return false;
    auto c = static_cast<unsigned char>(pattern[i]);
    if (c == '-' && previous && i + 1 < pattern.size() && pattern[i + 1] != ']') {
      ++i;
      if (pattern[i] == '\\' && ++i >= pattern.size()) return false;
      const auto last = static_cast<unsigned char>(pattern[i]);
      for (unsigned value = *previous; value <= last; ++value) set.set(value);
      previous.reset();
      ++i;
      continue;
    }
    if (c == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
      const size_t close = pattern.find(']', i + 2);
      if (close == std::string_view::npos) return false;
      if (close > i + 2 && pattern[close - 1] == ':') {
        const auto test = character_class(pattern.substr(i + 2, close - 1 - (i + 2)));
        if (!test) return false;
        for (int byte = 0; byte < 256; ++byte)
          set[static_cast<size_t>(byte)] = set[static_cast<size_t>(byte)] || is_in_class(*test, byte);
        previous.reset();
        i = close + 1;
        continue;
      }
    }
    if (c == '\\') {
      if (++i >= pattern.size()) return false;
      c = static_cast<unsigned char>(pattern[i]);
    }
    set.set(c);
    previous = c;
    ++i;
  }
  if (negated) set.flip();
  if (is_path_) set.reset('/');
  tokens_.push_back({Kind::kSet, 0, static_cast<uint16_t>(sets_.size())});
  sets_.push_back(set);
  at = i + 1;
  return sets_.size() < UINT16_MAX;
}

bool GlobPattern::matches_one(const Token& token, char c) const {
  switch (token.kind) {
    case Kind::kLiteral:
      return token.literal == c;
    case Kind::kAny:
      return !is_path_ || c != '/';
    case Kind::kSet:
      return sets_[token.set][static_cast<unsigned char>(c)];
    default:
      return false;
  }
}

// Two places to come back to are enough: the last '*', and the last '**'. What an earlier one could take instead, the later one
// can take as well.
bool GlobPattern::matches(std::string_view text) const {
  if (never_) return false;
  if (is_literal_) return text == literal_;
  constexpr size_t kNone = SIZE_MAX;
  size_t token = 0, at = 0;
  size_t star_token = kNone, star_at = 0, wide_token = kNone, wide_at = 0;
  while (true) {
    if (token < tokens_.size()) {
      const Kind kind = tokens_[token].kind;
      if (kind == Kind::kStar) {
        star_token = ++token;
        star_at = at;
        continue;
      }
      if (kind == Kind::kAnything || kind == Kind::kFolders) {
        wide_token = ++token;
        wide_at = at;
        star_token = kNone;
        continue;
      }
      if (at < text.size() && matches_one(tokens_[token], text[at])) {
        ++token;
        ++at;
        continue;
      }
    } else if (at == text.size()) {
      return true;
    }
    if (star_token != kNone && star_at < text.size() && !(is_path_ && text[star_at] == '/')) {
      token = star_token;
      at = ++star_at;
      continue;
    }
    if (wide_token == kNone || wide_at >= text.size()) return false;
    if (tokens_[wide_token - 1].kind == Kind::kFolders) {
      const size_t slash = text.find('/', wide_at);
      if (slash == std::string_view::npos) return false;
      wide_at = slash + 1;
    } else {
      ++wide_at;
    }
    token = wide_token;
    at = wide_at;
    star_token = kNone;
  }
}

IgnoreRules IgnoreRules::parse(std::string_view text) {
  IgnoreRules rules;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    rules.add_line(line.substr(0, line.find('\0')));
  }
  return rules;
}

void IgnoreRules::add_line(std::string_view line) {
  if (line.starts_with('#')) return;
  line = without_trailing_spaces(line);
  const bool negates = line.starts_with('!');
  if (negates) line.remove_prefix(1);
  const bool folders_only = line.ends_with('/');
  if (folders_only) line.remove_suffix(1);
  if (line.empty()) return;
  const bool name_only = line.find('/') == std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  rules_.push_back({GlobPattern(line, !name_only), negates, folders_only, name_only});
}

bool IgnoreRules::is_ignored(std::string_view path, bool is_folder) const {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->folders_only && !is_folder) continue;
    if (rule->pattern.matches(rule->name_only ? name : path)) return !rule->negates;
  }
  return false;
}

}  // namespace werkbank::client
