#include "environment/requirement.hh"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/files.hh"
#include "base/text.hh"
#include "environment/marker.hh"

namespace werkbank::environment {
namespace {

constexpr size_t kLineBytesMax = 4096;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_name_char(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (is_blank(text.front()) || text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (is_blank(text.back()) || text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> refuse(std::string_view line, std::string_view why, std::string hint = {}) {
  return fail(errors::requirement_invalid, fmt::format("requirement '{}': {}", line, why), std::move(hint));
}

// Walks over a version: each step takes its part off the front and says whether it was there.
class VersionScanner {
 public:
  explicit VersionScanner(std::string_view text) : rest_(text) {}

  bool digits() {
    const size_t count = static_cast<size_t>(std::ranges::find_if_not(rest_, is_digit) - rest_.begin());
    rest_.remove_prefix(count);
    return count > 0;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::initializer_list<std::string_view> words) {
    const auto found = std::ranges::find_if(words, [this](std::string_view w) { return rest_.starts_with(w); });
    if (found == words.end()) return false;
    rest_.remove_prefix(found->size());
    return true;
  }
  // [separator] word [[separator] digits]
  void suffix(std::initializer_list<std::string_view> words) {
    const std::string_view before = rest_;
    one_of("-_.");
    if (!word(words)) {
      rest_ = before;
      return;
    }
    const std::string_view after_word = rest_;
    one_of("-_.");
    if (!digits()) rest_ = after_word;
  }
  bool local_part() {
    do {
      const size_t count = static_cast<size_t>(std::ranges::find_if_not(rest_, is_alphanumeric) - rest_.begin());
      if (count == 0) return false;
      rest_.remove_prefix(count);
    } while (one_of("-_."));
    return true;
  }
  std::string_view rest() const { return rest_; }
  void restore(std::string_view rest) { rest_ = rest; }

 private:
  std::string_view rest_;
};

Status check_clause(const VersionClause& clause) {
  if (clause.op == "===") {
    // Any text to PEP 440; but what is no part of any version that was ever published is a slip.
    const bool plausible = !clause.version.empty() &&
                           std::ranges::all_of(clause.version, [](char c) { return is_name_char(c) || c == '+' || c == '!'; });
    if (!plausible) return fail(errors::requirement_invalid, fmt::format("'==={}' is not a version", clause.version));
    return {};
  }
  std::string_view version = clause.version;
  const bool prefix = version.ends_with(".*");
  if (prefix) version.remove_suffix(2);
  if (prefix && clause.op != "==" && clause.op != "!=") {
    return fail(errors::requirement_invalid, fmt::format("'{}{}': .* goes with == and != only", clause.op, clause.version));
  }
  if (!is_version(version)) {
    return fail(errors::requirement_invalid, fmt::format("'{}' is not a version", clause.version),
                "Versions look like 1.2.3, 1.2.* (with ==), 2.0rc1.");
  }
  if (clause.op == "~=" && version.find('.') == std::string_view::npos) {
    return fail(errors::requirement_invalid, fmt::format("'~={}' needs at least two numbers", clause.version));
  }
  return {};
}

// Why a line that is no requirement by name is not taken, or an empty text.
std::string_view foreign_form(std::string_view line) {
  if (line.starts_with("-e ") || line.starts_with("--editable")) {
    return "editable installs are not built: the code of the project folder is in the snapshot already";
  }
  for (const std::string_view scheme : {"git+", "hg+", "svn+", "bzr+"}) {
    if (line.starts_with(scheme)) return "installing from a version control address is not supported";
  }
  if (line.find("://") != std::string_view::npos) {
    return "an address does not say which version it brings, so the environment could not be shared or built again";
  }
  const std::string_view first = line.substr(0, line.find_first_of(" \t;"));
  const bool has_version = first.find_first_of("<>=") != std::string_view::npos;  // name==1+local.zip is no file
  if (first.ends_with(".whl") && !has_version) return "a local wheel exists on this machine only";
  if (first.starts_with('.') || first.starts_with('/') || first.starts_with('~') || first.find('/') != std::string_view::npos ||
      ((first.ends_with(".tar.gz") || first.ends_with(".zip")) && !has_version)) {
    return "a local path exists on this machine only";
  }
  return {};
}

constexpr std::string_view kForeignHint =
    "Name the package and its version (name==1.2). Wheels of your own: put them in a folder and name it with --find-links, or "
    "serve an index "
    "and name it with --extra-index-url.";

// "[a, b]" off the front of rest.
Status take_extras(std::string_view& rest, std::vector<std::string>& extras) {
  rest.remove_prefix(1);
  const size_t end = rest.find(']');
  if (end == std::string_view::npos) return fail(errors::requirement_invalid, "the '[' is not closed");
  std::string_view list = trimmed(rest.substr(0, end));
  rest = trimmed(rest.substr(end + 1));
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view extra = trimmed(list.substr(0, comma));
    if (extra.empty() || !std::ranges::all_of(extra, is_name_char) || !is_alphanumeric(extra.front())) {
      return fail(errors::requirement_invalid, fmt::format("'{}' is not the name of an extra", extra));
    }
    extras.push_back(normalized_name(extra));
    if (comma == std::string_view::npos) break;
    list = trimmed(list.substr(comma + 1));
    if (list.empty()) return fail(errors::requirement_invalid, "an extra is missing after ','");
  }
  std::ranges::sort(extras);
  extras.erase(std::unique(extras.begin(), extras.end()), extras.end());
  return {};
}

Result<Requirement> parse_named(std::string_view line) {
  Requirement requirement;
  const size_t name_end = static_cast<size_t>(std::ranges::find_if_not(line, is_name_char) - line.begin());
  std::string_view name = line.substr(0, name_end);
  if (name.empty() || !is_alphanumeric(name.front()) || !is_alphanumeric(name.back())) {
    return fail(errors::requirement_invalid, "it does not start with the name of a package",
                "A line is a name with an optional version: scikit-learn==0.22.1, numpy>=1.19,<2.");
  }
  requirement.name = name;
  std::string_view rest = trimmed(line.substr(name_end));
  if (rest.starts_with('[')) CHECK_OK(take_extras(rest, requirement.extras));
  if (rest.starts_with('@'))
    return fail(errors::requirement_invalid, "'name @ address' is not supported", std::string(kForeignHint));
  const size_t semicolon = rest.find(';');
  std::string_view versions = trimmed(rest.substr(0, semicolon));
  if (semicolon != std::string_view::npos) {
    requirement.marker = trimmed(rest.substr(semicolon + 1));
    CHECK_OK(check_marker(requirement.marker));
  }
  if (versions.starts_with('(')) {
    if (!versions.ends_with(')')) return fail(errors::requirement_invalid, "the '(' is not closed");
    versions = trimmed(versions.substr(1, versions.size() - 2));
  }
  if (!versions.empty()) {
    TRY(requirement.clauses, parse_version_clauses(versions));
  }
  return requirement;
}

}  // namespace

std::string normalized_name(std::string_view name) {
  std::string result;
  bool separator = false;
  for (const char c : lower(name)) {
    if (c == '-' || c == '_' || c == '.') {
      separator = true;
      continue;
    }
    if (separator && !result.empty()) result += '-';
    separator = false;
    result += c;
  }
  return result;
}

std::string Requirement::key() const { return normalized_name(name); }

std::string Requirement::text() const {
  std::string text = key();
  if (!extras.empty()) text += fmt::format("[{}]", fmt::join(extras, ","));
  std::vector<std::string> parts;
  for (const VersionClause& clause : clauses) parts.push_back(clause.op + clause.version);
  std::ranges::sort(parts);
  text += fmt::format("{}", fmt::join(parts, ","));
  if (!marker.empty()) text += " ; " + marker;
  return text;
}

bool is_version(std::string_view text) {
  if (text.size() > 128) return false;
  const std::string lowered = lower(text);
  VersionScanner scanner(lowered);
  scanner.one_of("v");
  if (!scanner.digits()) return false;
  if (scanner.one_of("!") && !scanner.digits()) return false;
  for (;;) {
    const std::string_view before = scanner.rest();
    if (!scanner.one_of(".")) break;
    if (!scanner.digits()) {
      scanner.restore(before);
      break;
    }
  }
  scanner.suffix({"alpha", "a", "beta", "b", "preview", "pre", "c", "rc"});
  const std::string_view before = scanner.rest();
  if (!(scanner.one_of("-") && scanner.digits())) {
    scanner.restore(before);
    scanner.suffix({"post", "rev", "r"});
  }
  scanner.suffix({"dev"});
  if (scanner.one_of("+") && !scanner.local_part()) return false;
  return scanner.rest().empty();
}

Result<std::vector<VersionClause>> parse_version_clauses(std::string_view text) {
  std::vector<VersionClause> clauses;
  for (;;) {
    const size_t comma = text.find(',');
    const std::string_view part = trimmed(text.substr(0, comma));
    VersionClause clause;
    for (const std::string_view op : {"===", "==", "!=", "<=", ">=", "~=", "<", ">"}) {
      if (part.starts_with(op)) {
        clause.op = op;
        break;
      }
    }
    if (clause.op.empty()) {
      if (part.empty()) return fail(errors::requirement_invalid, "a version is missing beside ','");
      const std::string hint = part.starts_with('=') ? "In pip's lists it is '==', with two signs; one sign is conda's." : "";
      return fail(errors::requirement_invalid, fmt::format("'{}' does not start with a comparison such as == or >=", part), hint);
    }
    clause.version = trimmed(part.substr(clause.op.size()));
    CHECK_OK(check_clause(clause));
    clauses.push_back(std::move(clause));
    if (comma == std::string_view::npos) return clauses;
    text = text.substr(comma + 1);
  }
}

std::string_view without_comment(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with('#')) return {};
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '#' && is_blank(line[i - 1])) return trimmed(line.substr(0, i));
  }
  return line;
}

Result<Requirement> parse_requirement(std::string_view raw) {
  const std::string_view line = without_comment(raw);
  if (line.size() > kLineBytesMax) return refuse(line.substr(0, 60), "the line is longer than 4096 bytes");
  if (!is_valid_utf8(line)) return refuse("(not UTF-8)", "the text is not valid UTF-8");
  const bool control = std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
  if (control) return refuse("…", "the text holds a line break or a control character", "Give one requirement per entry.");
  if (line.empty()) return refuse(line, "it is empty");
  if (const std::string_view reason = foreign_form(line); !reason.empty()) return refuse(line, reason, std::string(kForeignHint));
  auto parsed = parse_named(line);
  if (!parsed) return refuse(line, parsed.error().message, parsed.error().hint);
  if (parsed->text().size() > kLineBytesMax) return refuse(line.substr(0, 60), "the line is longer than 4096 bytes");
  return parsed;
}

}  // namespace werkbank::environment
