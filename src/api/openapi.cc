#include "api/openapi.hh"

#include <fmt/format.h>

#include <algorithm>

#include "api/route.hh"
#include "base/text.hh"

namespace werkbank::api {
namespace {

std::string_view permission_text(access::Permission permission) {
  switch (permission) {
    case access::Permission::kPublic:
      return "anyone";
    case access::Permission::kRead:
      return "reader";
    case access::Permission::kWrite:
      return "contributor";
    case access::Permission::kJob:
      return "contributor, or a job of the workspace";
    case access::Permission::kContent:
      return "contributor, or a job or runner of the workspace";
    case access::Permission::kOwn:
      return "owner";
    case access::Permission::kRunner:
      return "the run's own runner";
    case access::Permission::kLocalOnly:
      return "Unix socket only";
  }
  return "";
}

bool is_media_type(std::string_view text) { return text.find('/') != std::string_view::npos; }

json::object schema_reference(std::string_view name) { return {{"$ref", fmt::format("#/components/schemas/{}", name)}}; }

json::object content_of(std::string_view name) {
  if (is_media_type(name)) {
    json::object schema;
    if (name != "application/json") schema = {{"type", "string"}};
    return {{name, json::object{{"schema", std::move(schema)}}}};
  }
  json::object schema;
  if (name.ends_with("[]")) {
    schema = {
        {"type", "object"},
        {"required", json::array{"items", "next"}},
        {"properties",
         json::object{{"items", json::object{{"type", "array"}, {"items", schema_reference(name.substr(0, name.size() - 2))}}},
                      {"next", json::object{{"type", "string"}, {"description", "cursor of the next page, empty at the end"}}}}}};
  } else {
    schema = schema_reference(name);
  }
  return {{"application/json", json::object{{"schema", std::move(schema)}}}};
}

json::array parameters_of(const Route& route) {
  json::array parameters;
  std::string_view rest = route.pattern;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const size_t close = rest.find('}', open);
    std::string_view name = rest.substr(open + 1, close - open - 1);
    if (name.ends_with("...")) name.remove_suffix(3);
    parameters.push_back(
        json::object{{"name", name}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
    rest.remove_prefix(close + 1);
  }
  std::string_view query = route.description.query;
  while (!query.empty()) {
    const size_t comma = query.find(',');
    const std::string_view entry = query.substr(0, comma);
    const size_t colon = entry.find(':');
    parameters.push_back(json::object{{"name", entry.substr(0, colon)},
                                      {"in", "query"},
                                      {"required", false},
                                      {"schema", json::object{{"type", entry.substr(colon + 1)}}}});
    query = comma == std::string_view::npos ? std::string_view() : query.substr(comma + 1);
  }
  return parameters;
}

json::object operation_of(const Route& route) {
  const json::object problem{
      {"description", "A problem document with a stable code and what to do next"},
      {"content", json::object{{"application/problem+json", json::object{{"schema", schema_reference("Problem")}}}}}};
  json::object success{{"description", route.description.summary}};
  if (!route.description.response.empty()) success["content"] = content_of(route.description.response);
  json::object operation{
      {"summary", route.description.summary},
      {"description", fmt::format("Permission: {}.", permission_text(route.permission))},
      {"x-werkbank-permission", permission_text(route.permission)},
      {"parameters", parameters_of(route)},
      {"responses", json::object{{std::to_string(route.description.status), std::move(success)}, {"default", problem}}}};
  if (!route.description.request.empty()) {
    operation["requestBody"] = json::object{{"required", true}, {"content", content_of(route.description.request)}};
  }
  if (route.permission == access::Permission::kPublic) operation["security"] = json::array{};
  return operation;
}

std::string document_path(std::string_view pattern) {
  std::string path(pattern);
  if (const size_t dots = path.find("...}"); dots != std::string::npos) path.replace(dots, 4, "}");
  return path;
}

}  // namespace

json::object openapi_document(std::string_view version) {
  json::object paths;
  for (const Route& route : all_routes()) {
    json::value& path = paths[document_path(route.pattern)];
    if (!path.is_object()) path = json::object{};
    path.as_object()[lower(net::to_string(route.method))] = operation_of(route);
  }
  return {
      {"openapi", "3.1.0"},
      {"info",
       json::object{{"title", "Werkbank"},
                    {"version", version},
                    {"description",
                     "The self-hosted machine-learning workbench. See docs/reference/http-api.md for what a schema cannot say."},
                    {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"security", json::array{json::object{{"bearer", json::array{}}}}},
      {"paths", std::move(paths)},
      {"components",
       json::object{{"schemas", schemas()},
                    {"securitySchemes", json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace werkbank::api
