#include "base/limits.hh"

#include <sys/resource.h>

#include <charconv>
#include <cstdlib>
#include <optional>

namespace werkbank {
namespace {

std::optional<uint64_t> told_limit() {
  const char* const text = std::getenv(kOpenFilesVariable.data());
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  uint64_t limit = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), limit);
  if (error != std::errc() || end != digits.data() + digits.size() || limit == 0) return std::nullopt;
  return limit;
}

}  // namespace

uint64_t raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return told_limit().value_or(0);
  const uint64_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where it is refused, it stays as it was
  return told_limit().value_or(before);
}

void restore_open_files_limit() {
  const std::optional<uint64_t> told = told_limit();
  rlimit limit{};
  if (!told || getrlimit(RLIMIT_NOFILE, &limit) != 0 || *told >= limit.rlim_cur) return;
  limit.rlim_cur = *told;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void pass_open_files_limit(std::map<std::string, std::string>& environment, uint64_t limit) {
  if (limit > 0) environment[std::string(kOpenFilesVariable)] = std::to_string(limit);
}

}  // namespace werkbank
