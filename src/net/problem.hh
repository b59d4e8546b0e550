// application/problem+json (RFC 9457) as docs/reference/http-api.md has it: written by the server, read by clients
// (error_from_response in http_client.hh).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hh"

namespace werkbank::net {

int status_of(ErrorKind kind);
std::string problem_json(const Error& error, int status, std::string_view instance);

}  // namespace werkbank::net
