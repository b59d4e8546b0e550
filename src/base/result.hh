// Failure as a value. Werkbank's functions that can fail return Result<T>; what fails daily (a host down, a file missing,
// a name misspelt) must be visible in the signature, and can be stored with the run it happened to.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace werkbank {

// What a caller may do about a failure. Only kUnavailable is worth a retry.
enum class ErrorKind { kInvalid, kNotFound, kConflict, kDenied, kUnauthenticated, kTooLarge, kUnavailable, kInternal };

// One entry of the catalogue in error_codes.def. `id` is stable and part of the public interface.
struct ErrorCode {
  std::string_view id;
  ErrorKind kind;
  std::string_view title;
  std::string_view remedy;
};

namespace errors {
#define WB_ERROR(id, kind, title, remedy) inline constexpr ErrorCode id{#id, ErrorKind::kind, title, remedy};
#include "base/error_codes.def"
#undef WB_ERROR
}  // namespace errors

// All codes in catalogue order; find_error_code answers nullptr for an unknown id.
const std::vector<const ErrorCode*>& all_error_codes();
const ErrorCode* find_error_code(std::string_view id);

// What happened (`message`), where (`context`, outermost first), what to do next (`hint`; empty = the code's remedy).
struct Error {
  const ErrorCode* code = &errors::internal;
  std::string message;
  std::string hint;
  std::vector<std::string> context;

  ErrorKind kind() const { return code->kind; }
  std::string_view remedy() const { return hint.empty() ? code->remedy : std::string_view(hint); }
  // "context: message" in one line, without the hint.
  std::string to_string() const;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// fail(errors::run_not_found, "no run 'x' in workspace 'default'")
[[nodiscard]] inline std::unexpected<Error> fail(const ErrorCode& code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{&code, std::move(message), std::move(hint), {}});
}
// Passes a failure on, naming where it happened on the way up.
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }
[[nodiscard]] inline std::unexpected<Error> fail_in(std::string_view where, Error error) {
  error.context.insert(error.context.begin(), std::string(where));
  return std::unexpected(std::move(error));
}
// The failure of a system call: code disk_full for ENOSPC/EDQUOT, io_failed otherwise.
[[nodiscard]] Error errno_error(int error_number, std::string_view what);

// A bug, not a daily failure: prints the sentence and aborts, also in release builds.
[[noreturn]] void invariant_failed(const char* expression, const char* file, int line);
#define WB_INVARIANT(expression) \
  ((expression) ? static_cast<void>(0) : ::werkbank::invariant_failed(#expression, __FILE__, __LINE__))

#define WB_CONCAT_INNER(a, b) a##b
#define WB_CONCAT(a, b) WB_CONCAT_INNER(a, b)

// TRY(auto x, f());  assigns on success and returns the error otherwise.  CHECK_OK(f()); for Status.
// CO_TRY and CO_CHECK_OK are the same inside coroutines (the expression may contain co_await).
#define WB_TRY_IMPL(result, declaration, expression, return_keyword)       \
  auto result = (expression);                                              \
  if (!result) return_keyword ::werkbank::fail(std::move(result).error()); \
  declaration = std::move(*result)
#define TRY(declaration, expression) WB_TRY_IMPL(WB_CONCAT(try_result_, __LINE__), declaration, expression, return)
#define CO_TRY(declaration, expression) WB_TRY_IMPL(WB_CONCAT(try_result_, __LINE__), declaration, expression, co_return)
#define CHECK_OK(expression)                                                                                       \
  do {                                                                                                             \
    if (auto check_result = (expression); !check_result) return ::werkbank::fail(std::move(check_result).error()); \
  } while (false)
#define CO_CHECK_OK(expression)                                                     \
  do {                                                                              \
    auto check_result = (expression);                                               \
    if (!check_result) co_return ::werkbank::fail(std::move(check_result).error()); \
  } while (false)

}  // namespace werkbank
