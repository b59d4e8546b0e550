#include "api/openapi.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

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

struct HeaderMeaning {
  std::string_view name, description;
};
constexpr HeaderMeaning kHeaders[] = {
    {"Idempotency-Key",
     "A text of the client's (at most 255 bytes): the same request with the same key is done once and answered again"},
    {"If-Match", "The ETag of the state that the change is made to; 412 where it has changed meanwhile"},
    {"If-None-Match", "ETags that the client has; 304 without a body where one of them is the present one"},
    {"Last-Event-ID", "The id of the last event that was received: the stream goes on behind it"},
    {"Range", "One range of bytes, `bytes=0-99`: 206 with these bytes, 416 where there are none"},
};

json::object header_parameter(std::string_view name) {
  const auto* const known = std::ranges::find(kHeaders, name, &HeaderMeaning::name);
  WB_INVARIANT(known != std::end(kHeaders));
  return {{"name", name},
          {"in", "header"},
          {"required", false},
          {"description", known->description},
          {"schema", json::object{{"type", "string"}}}};
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
  std::string_view headers = route.description.headers;
  while (!headers.empty()) {
    const size_t comma = std::min(headers.find(','), headers.size());
    parameters.push_back(header_parameter(headers.substr(0, comma)));
    headers.remove_prefix(std::min(comma + 1, headers.size()));
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
      {"operationId", operation_id(route)},
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

// "tracked-runs" → "TrackedRuns", "openapi.json" → "OpenapiJson".
std::string capitalized(std::string_view words) {
  std::string text;
  bool begins = true;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0) {
      begins = true;
      continue;
    }
    text += begins ? static_cast<char>(std::toupper(byte)) : c;
    begins = false;
  }
  return text;
}

std::string_view verb_of(const Route& route) {
  switch (route.method) {
    case net::Method::kGet:
      return route.description.response.ends_with("[]") ? "list" : "get";
    case net::Method::kPut:
      return "put";
    case net::Method::kPatch:
      return "change";
    case net::Method::kDelete:
      return "delete";
    default:
      return "post";
  }
}

}  // namespace

// The verb and the nouns of the pattern; a noun before a placeholder means one of several and stands in the singular.
std::string operation_id(const Route& route) {
  constexpr std::string_view kApi = "/api/v1/";
  std::string_view rest = route.pattern;
  rest.remove_prefix(rest.starts_with(kApi) ? kApi.size() : 1);
  std::string id(verb_of(route));
  bool is_singular = false;
  while (!rest.empty()) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.starts_with('{')) {
      if (!is_singular) id += capitalized(part);
      continue;
    }
    id += capitalized(part);
    is_singular = rest.starts_with('{') && id.ends_with('s');
    if (is_singular) id.pop_back();
  }
  return id;
}

json::object openapi_document(std::string_view version) {
  json::object paths;
  for (const Route& route : all_routes()) {
    if (is_v1_route(route)) continue;
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
