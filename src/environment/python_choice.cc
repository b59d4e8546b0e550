#include "environment/python_choice.hh"

#include <fmt/format.h>

#include <charconv>

namespace werkbank::environment {
namespace {

constexpr int kOldestMinor = 6;
constexpr int kOldestExactMinor = 5;  // only a conda channel has it
constexpr int kNewestMinor = 14;
constexpr int kUsualMinor = 10;  // what v1 gave an environment without a wish

struct Numbers {
  int major = 0;
  int minor = -1;  // -1: not given
  bool patch = false;
};

Result<Numbers> numbers_of(std::string_view version) {
  if (version.ends_with(".*")) version.remove_suffix(2);
  Numbers numbers;
  const char* end = version.data() + version.size();
  auto [after_major, error] = std::from_chars(version.data(), end, numbers.major);
  if (error != std::errc() || numbers.major < 0)
    return fail(errors::requirement_invalid, fmt::format("python '{}' is not a version", version));
  if (after_major == end) return numbers;
  auto [after_minor, minor_error] = std::from_chars(*after_major == '.' ? after_major + 1 : end, end, numbers.minor);
  if (minor_error != std::errc() || numbers.minor < 0 || !is_version(version)) {
    return fail(errors::requirement_invalid, fmt::format("python '{}' is not a version", version),
                "Write it like 3.8 or 3.8.13.");
  }
  numbers.patch = after_minor != end;
  return numbers;
}

// Whether 3.<minor> can satisfy the clause; patch releases are not looked at, but for the edges of < and >.
Result<bool> allows(const VersionClause& clause, int minor) {
  TRY(const Numbers numbers, numbers_of(clause.version));
  const bool whole_major = numbers.minor < 0;
  const int order = numbers.major != 3 ? 3 - numbers.major : (whole_major ? 0 : minor - numbers.minor);
  if (clause.op == "==" || clause.op == "===") return order == 0;
  if (clause.op == "!=") return order != 0 || numbers.patch;
  if (clause.op == ">=") return order >= 0;
  if (clause.op == ">") return order > 0 || (order == 0 && numbers.patch);
  if (clause.op == "<=") return order <= 0;
  if (clause.op == "<") return order < 0 || (order == 0 && numbers.patch);
  return order >= 0 && numbers.major == 3;  // ~=
}

}  // namespace

Result<PythonChoice> choose_python(const std::vector<VersionClause>& clauses) {
  PythonChoice choice;
  if (clauses.size() == 1 && (clauses[0].op == "==" || clauses[0].op == "===")) {
    TRY(const Numbers numbers, numbers_of(clauses[0].version));
    if (numbers.minor >= 0) {
      if (numbers.major != 3 || numbers.minor < kOldestExactMinor) {
        return fail(errors::requirement_invalid,
                    fmt::format("python {}: environments are built for Python 3.6 and newer", clauses[0].version),
                    "Use an interpreter that you manage yourself: userManagedDependencies with an interpreterPath.");
      }
      choice.exact = numbers.patch ? clauses[0].version : fmt::format("3.{}", numbers.minor);
      if (choice.exact.ends_with(".*")) choice.exact.resize(choice.exact.size() - 2);
      return choice;
    }
  }
  const auto add_if_allowed = [&clauses, &choice](int minor) -> Status {
    for (const VersionClause& clause : clauses) {
      TRY(const bool allowed, allows(clause, minor));
      if (!allowed) return {};
    }
    choice.fallbacks.push_back(fmt::format("3.{}", minor));
    return {};
  };
  CHECK_OK(add_if_allowed(kUsualMinor));
  for (int minor = kOldestMinor; minor <= kNewestMinor; ++minor) {
    if (minor != kUsualMinor) CHECK_OK(add_if_allowed(minor));
  }
  if (choice.fallbacks.empty()) {
    return fail(errors::requirement_invalid, "python: no Python from 3.6 to 3.14 satisfies the versions asked for",
                "Ask for one of them, such as 3.8 or >=3.8,<3.11.");
  }
  return choice;
}

Result<PythonChoice> choose_python(std::string_view wanted) {
  wanted = without_comment(wanted);
  if (wanted.empty() || wanted == "*") return choose_python(std::vector<VersionClause>{});
  std::string text(wanted);
  if (text.front() >= '0' && text.front() <= '9') text = "==" + text;
  auto clauses = parse_version_clauses(text);
  if (!clauses) {
    return fail(errors::requirement_invalid, fmt::format("python version '{}': {}", wanted, clauses.error().message),
                "Write it like 3.8, 3.8.13 or >=3.6,<3.9.");
  }
  return choose_python(*clauses);
}

}  // namespace werkbank::environment
