#include "environment/marker.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace werkbank::environment {
namespace {

constexpr std::array<std::string_view, 12> kVariables{
    "python_version",      "python_full_version",    "os_name",
    "sys_platform",        "platform_release",       "platform_system",
    "platform_version",    "platform_machine",       "platform_python_implementation",
    "implementation_name", "implementation_version", "extra"};
constexpr int kDepthMax = 16;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

// marker := term (("and" | "or") term)*      term := "(" marker ")" | value operator value
class MarkerParser {
 public:
  explicit MarkerParser(std::string_view text) : rest_(text) {}

  Status whole() {
    CHECK_OK(marker(0));
    skip_blanks();
    if (!rest_.empty()) return wrong(fmt::format("unexpected '{}'", rest_));
    return {};
  }

 private:
  static std::unexpected<Error> wrong(std::string_view what) {
    return fail(errors::requirement_invalid, fmt::format("the marker after ';' is not well formed: {}", what),
                "A marker looks like: python_version < '3.8' and sys_platform == 'linux'.");
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }

  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool take_word(std::string_view word) {
    skip_blanks();
    if (!rest_.starts_with(word)) return false;
    if (rest_.size() > word.size() && is_word_char(rest_[word.size()])) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  Status marker(int depth) {
    if (depth > kDepthMax) return wrong("too many parentheses");
    do {
      CHECK_OK(term(depth));
    } while (take_word("and") || take_word("or"));
    return {};
  }

  Status term(int depth) {
    if (take("(")) {
      CHECK_OK(marker(depth + 1));
      if (!take(")")) return wrong("a ')' is missing");
      return {};
    }
    CHECK_OK(value());
    CHECK_OK(comparison());
    return value();
  }

  Status comparison() {
    for (const std::string_view op : {"===", "==", "!=", "<=", ">=", "~=", "<", ">"}) {
      if (take(op)) return {};
    }
    if (take_word("in")) return {};
    if (take_word("not") && take_word("in")) return {};
    return wrong(fmt::format("a comparison is missing before '{}'", rest_));
  }

  Status value() {
    skip_blanks();
    if (rest_.empty()) return wrong("it ends too early");
    const char quote = rest_.front();
    if (quote == '\'' || quote == '"') {
      const size_t end = rest_.find(quote, 1);
      if (end == std::string_view::npos) return wrong("a text is not closed");
      rest_.remove_prefix(end + 1);
      return {};
    }
    const size_t end = static_cast<size_t>(std::ranges::find_if_not(rest_, is_word_char) - rest_.begin());
    const std::string_view name = rest_.substr(0, end);
    if (std::ranges::find(kVariables, name) == kVariables.end()) {
      return wrong(fmt::format("'{}' is neither a marker variable nor a quoted text", end == 0 ? rest_ : name));
    }
    rest_.remove_prefix(end);
    return {};
  }

  std::string_view rest_;
};

}  // namespace

Status check_marker(std::string_view text) {
  if (text.empty()) return fail(errors::requirement_invalid, "nothing follows the ';'");
  return MarkerParser(text).whole();
}

}  // namespace werkbank::environment
