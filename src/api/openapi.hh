// The OpenAPI 3.1 document, made from the route table and the schemas.
#pragma once

#include "api/route.hh"
#include "base/json.hh"

namespace werkbank::api {

// Stable, and unique among all routes: "getWorkspaceRunFile" for GET …/runs/{run}/files/{path...}.
std::string operation_id(const Route& route);

json::object openapi_document(std::string_view version);
// components/schemas: JSON Schema 2020-12, one per name that routes mention.
const json::object& schemas();

}  // namespace werkbank::api
