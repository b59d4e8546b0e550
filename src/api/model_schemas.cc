#include "api/schema_parts.hh"

namespace werkbank::api {

std::string_view model_schemas() {
  return R"json({
"Model": {
  "type": "object",
  "required": ["workspace", "name", "version", "id", "tags", "properties", "contentId", "createdUtc", "revision"],
  "properties": {
    "workspace": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "integer"}, "id": {"type": "string"},
    "description": {"type": "string"}, "framework": {"type": "string"}, "frameworkVersion": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "properties": {"$ref": "#/components/schemas/TextMap"},
    "contentId": {"type": "string"}, "fileCount": {"type": "integer"}, "sizeBytes": {"type": "integer"},
    "runId": {"type": "string"}, "experiment": {"type": "string"}, "runPath": {"type": "string"},
    "datasets": {"type": "array", "items": {"$ref": "#/components/schemas/DatasetLink"}},
    "sampleInputDatasetId": {"type": "string"}, "sampleOutputDatasetId": {"type": "string"},
    "resourceConfiguration": {"$ref": "#/components/schemas/ModelResources"}, "createdBy": {"type": "string"},
    "createdUtc": {"$ref": "#/components/schemas/Time"}, "modifiedUtc": {"$ref": "#/components/schemas/Time"},
    "revision": {"type": "integer"}
  }
},
"DatasetLink": {
  "type": "object", "required": ["name", "id"], "additionalProperties": false,
  "properties": {"name": {"type": "string", "description": "the scenario"}, "id": {"type": "string"}}
},
"ModelResources": {
  "type": ["object", "null"], "additionalProperties": false,
  "properties": {
    "cpu": {"type": ["number", "null"]}, "memoryInGb": {"type": ["number", "null"]}, "gpu": {"type": ["integer", "null"]}
  }
},
"NewModel": {
  "type": "object", "required": ["name"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$"}, "description": {"type": "string"},
    "framework": {"type": "string"}, "frameworkVersion": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "properties": {"$ref": "#/components/schemas/TextMap"},
    "runId": {"type": "string"}, "path": {"type": "string", "description": "a file or folder of the run"},
    "snapshotId": {"type": "string", "description": "files that were sent, in place of path"},
    "datasets": {"type": "array", "items": {"$ref": "#/components/schemas/DatasetLink"}},
    "sampleInputDatasetId": {"type": "string"}, "sampleOutputDatasetId": {"type": "string"},
    "resourceConfiguration": {"$ref": "#/components/schemas/ModelResources"}
  }
},
"ModelChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "description": {"type": "string"}, "framework": {"type": "string"}, "frameworkVersion": {"type": "string"},
    "tags": {"type": "object", "additionalProperties": {"type": ["string", "null"]}}, "replaceTags": {"type": "boolean"},
    "properties": {"$ref": "#/components/schemas/TextMap"},
    "addDatasets": {"type": "array", "items": {"$ref": "#/components/schemas/DatasetLink"}},
    "sampleInputDatasetId": {"type": "string"}, "sampleOutputDatasetId": {"type": "string"},
    "resourceConfiguration": {"$ref": "#/components/schemas/ModelResources"}
  }
},
"ModelFile": {
  "type": "object", "required": ["path", "sizeBytes", "hash"],
  "properties": {"path": {"type": "string"}, "sizeBytes": {"type": "integer"}, "hash": {"type": "string"}}
},
"ModelUser": {
  "type": "object", "required": ["kind", "name"], "properties": {"kind": {"type": "string"}, "name": {"type": "string"}}
}
})json";
}

}  // namespace werkbank::api
