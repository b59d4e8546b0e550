#include "lifecycle/script_error.hh"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/json.hh"

namespace werkbank::lifecycle {
namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view kMessage = "\tMessage: ";
constexpr std::string_view kInner = "\tInnerException ";
constexpr std::string_view kResponse = "\tErrorResponse";
constexpr std::string_view kHint = " Hint: ";

bool begins_traceback(std::string_view line) { return line.starts_with("Traceback ") || line.starts_with("  File \""); }

// The last line of a Python traceback tells more than the exit code. A script that does not compile has only the place of its
// error above that line, no traceback. lines.size() where there is none.
size_t exception_at(const Lines& lines) {
  bool in_traceback = false;
  size_t found = lines.size();
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const bool begins = begins_traceback(line);
    if (begins) in_traceback = true;
    if (!in_traceback || begins || line.empty() || line[0] == ' ' || line[0] == '\t') continue;
    found = i;
    in_traceback = false;
  }
  return found;
}

// The document behind "\tErrorResponse", from `first` to the line that closes it; `first` where there is none.
size_t end_of_document(const Lines& lines, size_t first) {
  if (first >= lines.size() || lines[first] != "{") return first;
  for (size_t i = first; i < lines.size(); ++i) {
    if (lines[i] == "}") return i + 1;
  }
  return first;
}

std::string text_at(const json::value& document, std::initializer_list<std::string_view> path) {
  const json::value* at = &document;
  for (const std::string_view key : path) {
    at = at->is_object() ? at->as_object().if_contains(key) : nullptr;
    if (at == nullptr) return {};
  }
  return at->is_string() ? std::string(at->as_string()) : std::string();
}

// An exception of azureml prints "UserErrorException:", its message, the exception behind it, and all of that as JSON.
ScriptError azureml_error(const Lines& lines, size_t at) {
  ScriptError error;
  std::string text = lines[at + 1].substr(kMessage.size());
  size_t next = at + 2;
  while (next < lines.size() && !lines[next].starts_with(kInner)) text += " " + lines[next++];
  while (next < lines.size() && !lines[next].starts_with(kResponse)) ++next;
  std::string code;
  if (const size_t end = end_of_document(lines, next + 1); end > next + 1) {
    std::string document;
    for (size_t i = next + 1; i < end; ++i) document += lines[i] + "\n";
    if (const auto parsed = parse_json(document)) {
      code = text_at(*parsed, {"error", "innerError", "code"});
      error.hint = text_at(*parsed, {"error", "hint"});
    }
  }
  if (!error.hint.empty()) text = text.substr(0, text.rfind(kHint));
  // "azureml.….UserErrorException: UserErrorException:" names the class twice.
  std::string name = lines[at];
  while (name.ends_with(':') || name.ends_with(' ')) name.pop_back();
  name = name.substr(name.find_last_of(" .") + 1);
  error.exception = fmt::format("{}: {}{}", name, text, code.empty() ? std::string() : fmt::format(" [{}]", code));
  return error;
}

// "ModuleNotFoundError: No module named 'x.y'" (ImportError up to Python 3.5): x; empty for all else.
std::string missing_module(std::string_view exception) {
  constexpr std::string_view kWords = "Error: No module named ";
  const size_t at = exception.find(kWords);
  if (at == exception.npos) return {};
  std::string_view name = exception.substr(at + kWords.size());
  if (!name.empty() && (name[0] == '\'' || name[0] == '"')) name.remove_prefix(1);
  return std::string(name.substr(0, name.find_first_of("'\".;")));
}

bool is_azureml_error(const Lines& lines, size_t at) { return at + 1 < lines.size() && lines[at + 1].starts_with(kMessage); }

}  // namespace

ScriptError script_error(const Lines& log_tail) {
  ScriptError error;
  const size_t at = exception_at(log_tail);
  if (is_azureml_error(log_tail, at)) {
    error = azureml_error(log_tail, at);
  } else if (at < log_tail.size()) {
    error.exception = log_tail[at];
  }
  if (!error.hint.empty()) return error;
  if (const std::string module = missing_module(error.exception); !module.empty()) {
    error.hint = fmt::format(
        "Add the package that brings {:?} to conda_dependencies.yml (or the pip requirements of the run's environment); into a "
        "user-managed interpreter, install it. A module of your own has to lie in the submitted folder.",
        module);
  } else {
    error.hint = "The last lines of azureml-logs/70_driver_log.txt say why: correct the script and submit again.";
  }
  return error;
}

Lines telling_lines(const Lines& log_tail) {
  Lines lines;
  for (size_t i = 0; i < log_tail.size();) {
    const bool second_time = log_tail[i].starts_with(kInner) && i + 1 < log_tail.size() && log_tail[i + 1].starts_with(kResponse);
    if (second_time) {
      i = end_of_document(log_tail, i + 2);
      continue;
    }
    // Tabs would be shown as control characters.
    const size_t text = std::min(log_tail[i].find_first_not_of('\t'), log_tail[i].size());
    if (text < log_tail[i].size()) lines.push_back(std::string(4 * text, ' ') + log_tail[i].substr(text));
    ++i;
  }
  const size_t exception = exception_at(lines);
  if (exception == lines.size()) return lines;
  size_t begin = exception;
  while (begin > 0 && !lines[begin].starts_with("Traceback ")) --begin;
  if (!lines[begin].starts_with("Traceback ")) {
    begin = static_cast<size_t>(std::ranges::find_if(lines, begins_traceback) - lines.begin());
  }
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(begin));
  return lines;
}

}  // namespace werkbank::lifecycle
