#include "api/schema_parts.hh"

namespace werkbank::api {

std::string_view dataset_schemas() {
  return R"json({
"Dataset": {
  "type": "object",
  "required": ["id", "workspace", "kind", "name", "version", "description", "tags", "definition", "fileCount", "sizeBytes",
               "createdBy", "createdUtc", "modifiedUtc", "revision"],
  "properties": {
    "id": {"type": "string"}, "workspace": {"type": "string"}, "kind": {"enum": ["file", "tabular"]},
    "name": {"type": ["string", "null"], "description": "null: saved, and not registered"},
    "version": {"type": ["integer", "null"]}, "description": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"},
    "definition": {"type": "object", "description": "the document without its files"},
    "fileCount": {"type": "integer"}, "sizeBytes": {"type": "integer"},
    "createdBy": {"type": "object", "properties": {"userName": {"type": "string"}}},
    "createdUtc": {"$ref": "#/components/schemas/Time"}, "modifiedUtc": {"$ref": "#/components/schemas/Time"},
    "revision": {"type": "integer"}
  }
},
"DatasetSource": {
  "type": "object", "additionalProperties": false,
  "properties": {"datastore": {"type": "string"}, "path": {"type": "string"}, "url": {"type": "string"}}
},
"DatasetFile": {
  "type": "object", "required": ["path", "name"], "additionalProperties": false,
  "properties": {
    "source": {"type": "integer", "description": "the index of its source"}, "path": {"type": "string"},
    "name": {"type": "string"}, "sizeBytes": {"type": "integer"}, "etag": {"type": ["string", "null"]},
    "hash": {"type": ["string", "null"]}
  }
},
"NewDataset": {
  "type": "object", "required": ["kind", "sources", "files"], "additionalProperties": false,
  "properties": {
    "kind": {"enum": ["file", "tabular"]},
    "sources": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/DatasetSource"}},
    "reader": {"type": "object"}, "steps": {"type": "array", "items": {"type": "object"}},
    "files": {"type": "array", "items": {"$ref": "#/components/schemas/DatasetFile"}},
    "register": {
      "type": ["object", "null"], "required": ["name"], "additionalProperties": false,
      "properties": {
        "name": {"type": "string"}, "description": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"},
        "createNewVersion": {"type": "boolean"}
      }
    }
  }
},
"DatasetChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "description": {"type": "string"},
    "tags": {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
  }
},
"DatasetUse": {
  "type": "object", "required": ["runId", "direction", "port", "mode", "datasetId"],
  "properties": {
    "runId": {"type": "string"}, "direction": {"enum": ["input", "output"]}, "port": {"type": "string"},
    "mode": {"type": "string"}, "datasetId": {"type": "string"}
  }
}
})json";
}

}  // namespace werkbank::api
