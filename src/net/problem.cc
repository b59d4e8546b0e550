#include "net/problem.hh"

#include <fmt/format.h>

#include "base/json.hh"
#include "base/logins.hh"
#include "net/http_client.hh"

namespace werkbank::net {
namespace {

// For an answer whose code this version does not know: a newer server's, with a meaning that the status still tells.
const ErrorCode& code_of(int status) {
  switch (status) {
    case 401:
      return errors::unauthenticated;
    case 403:
      return errors::denied;
    case 404:
      return errors::not_found;
    case 409:
      return errors::run_state_conflict;
    case 413:
      return errors::too_large;
    case 500:
      return errors::internal;
    default:
      return status >= 500 ? errors::unavailable : errors::invalid_request;
  }
}

}  // namespace

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kUnauthenticated:
      return 401;
    case ErrorKind::kDenied:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

std::string problem_json(const Error& error, int status, std::string_view instance) {
  const json::object document{{"type", fmt::format("/errors/{}", error.code->id)},
                              {"title", error.code->title},
                              {"status", status},
                              {"code", error.code->id},
                              {"detail", without_logins(error.to_string())},
                              {"hint", error.remedy()},
                              {"instance", instance}};
  return canonical_json(document);
}

Error error_from_response(const ClientResponse& response) {
  const auto other = [&] {
    const ErrorCode& code = response.status == 401 ? errors::unauthenticated : errors::unavailable;
    return Error{&code,
                 fmt::format("the server answered {} without saying why", response.status),
                 "Is WERKBANK_URL the address of a Werkbank server, and nothing in between?",
                 {}};
  };
  const auto type = response.headers.find("content-type");
  if (type == response.headers.end() || !type->second.starts_with("application/problem+json")) return other();
  const Result<json::value> document = parse_json(response.body);
  if (!document || !document->is_object()) return other();
  JsonReader reader(*document, "problem");
  const std::string id = reader.string_or("code");
  Error error;
  error.code = find_error_code(id);
  error.message = reader.string_or("detail", reader.string_or("title", id));
  error.hint = reader.string_or("hint");
  if (!reader.finish(false)) return other();
  if (error.code == nullptr) error.code = &code_of(response.status);
  return error;
}

}  // namespace werkbank::net
