// A package index (PEP 503) that serves the SDK's own wheel under the names v1 code asks for: pip and uv find it with
// --extra-index-url http://SERVER/simple/.
#include <algorithm>

#include "api/reading.hh"
#include "api/responses.hh"
#include "api/standin_wheel.hh"
#include "environment/requirement.hh"

namespace werkbank::api {
namespace {

using access::Permission;
using net::Method;

constexpr std::string_view kOwnName = "werkbank-azureml";
constexpr std::string_view kHtml = "text/html; charset=utf-8";

constexpr std::string_view kFolder = "/packages/";

Task<Result<net::Response>> list_packages(Api&, Call&) {
  std::string links = fmt::format("<a href=\"/simple/{0}/\">{0}</a>\n", kOwnName);
  for (const std::string& name : standin_names()) links += fmt::format("<a href=\"/simple/{0}/\">{0}</a>\n", name);
  co_return text_response(standin_html(links), kHtml);
}

Task<Result<net::Response>> list_files(Api& api, Call& call) {
  const std::string name = environment::normalized_name(call.arguments[0]);
  if (name == kOwnName) {
    const std::string fragment = "#blake2b=" + Hash::of(api.facts.wheel).hex();
    co_return text_response(standin_html(standin_link(api.facts.wheel_name, kFolder, fragment)), kHtml);
  }
  const bool plain =
      std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!name.starts_with("azureml-") || !plain || name.size() > 100)
    co_return fail(errors::not_found, fmt::format("the package {:?} is not served here", call.arguments[0]));
  co_return text_response(standin_page(name, kFolder), kHtml);
}

Result<net::Response> serve_file(const Call& call, std::string bytes) {
  const std::string tag = Hash::of(bytes).hex();
  const uint64_t size = bytes.size();
  return bytes_response(call.request, size, "application/zip", tag,
                        [bytes = std::move(bytes)](uint64_t offset, uint64_t size_max) -> Result<std::string> {
                          return bytes.substr(offset, size_max);
                        });
}

Task<Result<net::Response>> get_wheel(Api& api, Call& call) {
  if (const auto standin = standin_of(call.arguments[0])) co_return serve_file(call, standin_wheel(*standin));
  if (call.arguments[0] != api.facts.wheel_name)
    co_return fail(errors::not_found, fmt::format("the file {:?} is not served here", call.arguments[0]));
  co_return serve_file(call, std::string(api.facts.wheel));
}

constexpr Route kRoutes[] = {
    route<Permission::kPublic>(Method::kGet, "/simple", list_packages, {"Package index: the projects", "", "", "text/html"}),
    route<Permission::kPublic>(Method::kGet, "/simple/{project}", list_files,
                               {"Package index: the files of a project", "", "", "text/html"}),
    route<Permission::kPublic>(Method::kGet, "/packages/{file}", get_wheel,
                               {"The SDK's wheel", "", "", "application/zip", 200, "Range,If-None-Match"}),
};

}  // namespace

std::span<const Route> package_routes() { return kRoutes; }

}  // namespace werkbank::api
