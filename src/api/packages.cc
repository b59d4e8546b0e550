// A package index (PEP 503) that serves the SDK's own wheel under the names v1 code asks for: pip and uv find it with
// --extra-index-url http://SERVER/simple/.
#include <array>

#include "api/reading.hh"
#include "api/responses.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

Task<Result<net::Response>> list_packages(Api&, Call&) {
  co_return text_response("<!DOCTYPE html><html><body><a href=\"/simple/werkbank-azureml/\">werkbank-azureml</a></body></html>\n",
                          "text/html; charset=utf-8");
}

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  if (call.arguments[0] != "werkbank-azureml")
    co_return fail(errors::not_found, fmt::format("the package {:?} is not served here", call.arguments[0]));
  co_return text_response(fmt::format("<!DOCTYPE html><html><body><a href=\"/packages/{0}#blake2b={1}\" "
                                      "data-requires-python=\"&gt;=3.6\">{0}</a></body></html>\n",
                                      api.facts.wheel_name, Hash::of(api.facts.wheel).hex()),
                          "text/html; charset=utf-8");
}

Task<Result<net::Response>> get_wheel(Api& api, Call& call) {
  if (call.arguments[0] != api.facts.wheel_name)
    co_return fail(errors::not_found, fmt::format("the file {:?} is not served here", call.arguments[0]));
  const std::string_view wheel = api.facts.wheel;
  co_return bytes_response(
      call.request, wheel.size(), "application/zip", Hash::of(wheel).hex(),
      [wheel](uint64_t offset, uint64_t size_max) -> Result<std::string> { return std::string(wheel.substr(offset, size_max)); });
}

constexpr Route kRoutes[] = {
    route<Permission::kPublic>(Method::kGet, "/simple", list_packages, {"Package index: the projects", "", "", "text/html"}),
    route<Permission::kPublic>(Method::kGet, "/simple/{project}", list_files,
                               {"Package index: the files of a project", "", "", "text/html"}),
    route<Permission::kPublic>(Method::kGet, "/packages/{file}", get_wheel, {"The SDK's wheel", "", "", "application/zip"}),
};

}  // namespace

std::span<const Route> package_routes() { return kRoutes; }

}  // namespace werkbank::api
