#include "domain/names.hh"

#include <fmt/format.h>

#include "base/files.hh"

namespace werkbank {
namespace {

// ASCII on purpose: v1's \w as its services took it.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

template <typename First, typename Rest>
bool matches(std::string_view name, size_t minimum, size_t maximum, First first, Rest rest) {
  if (name.size() < minimum || name.size() > maximum || !first(name[0])) return false;
  for (const char c : name.substr(1)) {
    if (!rest(c)) return false;
  }
  return true;
}

Status refuse(std::string_view what, std::string_view name, std::string_view rule) {
  return fail(errors::name_refused, fmt::format("{} name {:?} is not allowed: {}", what, name, rule));
}

}  // namespace

Status check_workspace_name(std::string_view name) {
  const auto rest = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  if (matches(name, 3, 33, is_alphanumeric, rest)) return {};
  return refuse("workspace", name, "3 to 33 letters, digits, '_' or '-', the first one a letter or digit");
}

Status check_experiment_name(std::string_view name) {
  const auto rest = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  if (matches(name, 1, 255, is_alphanumeric, rest)) return {};
  return refuse("experiment", name, "1 to 255 letters, digits, '_' or '-', the first one a letter or digit");
}

Status check_target_name(std::string_view name) {
  const auto rest = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  if (matches(name, 2, 64, is_letter, rest)) return {};
  return refuse("compute target", name, "2 to 64 letters, digits, '_' or '-', the first one a letter");
}

Status check_environment_name(std::string_view name) {
  const auto rest = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == ' '; };
  if (matches(name, 1, 255, is_alphanumeric, rest)) return {};
  return refuse("environment", name, "1 to 255 letters, digits, '_', '-', '.' or blanks, the first one a letter or digit");
}

Status check_model_name(std::string_view name) {
  const auto rest = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; };
  if (matches(name, 1, 255, is_alphanumeric, rest)) return {};
  return refuse("model", name, "1 to 255 letters, digits, '_', '-' or '.', the first one a letter or digit");
}

Status check_stored_name(std::string_view what, std::string_view name) {
  const auto refuse_because = [&](std::string_view why) -> Status {
    return fail(errors::name_refused, fmt::format("{} {}", what, why));
  };
  if (name.empty()) return refuse_because("is empty");
  if (name.size() > 255) return refuse_because("is longer than 255 bytes");
  if (!is_valid_utf8(name)) return refuse_because("is not valid UTF-8");
  if (name == "." || name == "..") return refuse_because("is . or ..");
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/') return refuse_because("holds a '/' or a control character");
  }
  return {};
}

}  // namespace werkbank
