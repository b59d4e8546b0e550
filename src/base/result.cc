#include "base/result.hh"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace werkbank {

const std::vector<const ErrorCode*>& all_error_codes() {
  static const std::vector<const ErrorCode*> codes = {
#define WB_ERROR(id, kind, title, remedy) &errors::id,
#include "base/error_codes.def"
#undef WB_ERROR
  };
  return codes;
}

const ErrorCode* find_error_code(std::string_view id) {
  for (const ErrorCode* code : all_error_codes()) {
    if (code->id == id) return code;
  }
  return nullptr;
}

std::string Error::to_string() const {
  std::string text;
  for (const std::string& where : context) text += where + ": ";
  return text + message;
}

Error errno_error(int error_number, std::string_view what) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return Error{full ? &errors::disk_full : &errors::io_failed, fmt::format("{}: {}", what, std::strerror(error_number)), {}, {}};
}

void invariant_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "werkbank: invariant broken: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace werkbank
