// From a request to its handler: Host check, match, login, permission, handler, problem document. In this order, for every route.
#pragma once

#include "api/api.hh"
#include "api/login.hh"
#include "api/route.hh"

namespace werkbank::api {

class Router {
 public:
  explicit Router(Api& api, Door door = Door::kUsual) : api_(api), door_(door) {}
  Task<net::Response> answer(net::Request& request);

 private:
  Task<Result<net::Response>> dispatch(net::Request& request);
  Result<access::Subject> subject_of(const Route& route, const Call& call);
  Api& api_;
  Door door_;
};

// The values of the pattern's placeholders where the path matches. Exposed for tests and the OpenAPI generator.
std::optional<std::vector<std::string>> match_pattern(std::string_view pattern, const std::vector<std::string>& segments);

}  // namespace werkbank::api
