// The documents of datastores as JSON Schema; see api/schemas.cc.
#include "api/schema_parts.hh"

namespace werkbank::api {

std::string_view datastore_schemas() {
  static constexpr std::string_view kSchemas = R"json({
"DatastoreKind": {"enum": ["folder", "azureBlob", "s3", "http"]},
"Datastore": {
  "type": "object", "required": ["workspace", "name", "kind", "settings", "ours", "credentialType", "isDefault"],
  "properties": {
    "workspace": {"type": "string"}, "name": {"type": "string"}, "kind": {"$ref": "#/components/schemas/DatastoreKind"},
    "settings": {"$ref": "#/components/schemas/TextMap"}, "ours": {"type": "boolean"}, "createdBy": {"type": "string"},
    "createdUtc": {"$ref": "#/components/schemas/Time"},
    "credentialType": {"enum": ["none", "accountKey", "sasToken", "accessKey", "password", "token"]},
    "isDefault": {"type": "boolean"}
  }
},
"NewDatastore": {
  "type": "object", "required": ["name", "kind"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,255}$"}, "kind": {"$ref": "#/components/schemas/DatastoreKind"},
    "settings": {"$ref": "#/components/schemas/TextMap"}, "credential": {"$ref": "#/components/schemas/TextMap"},
    "overwrite": {"type": "boolean"}, "createIfNotExists": {"type": "boolean"}, "skipValidation": {"type": "boolean"}
  }
},
"DatastoreAccess": {
  "type": "object", "required": ["name", "kind", "settings", "credential"],
  "properties": {
    "workspace": {"type": "string"}, "name": {"type": "string"}, "kind": {"$ref": "#/components/schemas/DatastoreKind"},
    "settings": {"$ref": "#/components/schemas/TextMap"}, "credential": {"$ref": "#/components/schemas/TextMap"}
  }
},
"DatastoreChoice": {
  "type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": {"type": "string"}}
},
"DataFile": {
  "type": "object", "required": ["path", "sizeBytes", "etag"],
  "properties": {
    "path": {"type": "string"}, "sizeBytes": {"type": "integer"}, "etag": {"type": "string"},
    "modifiedUtc": {"$ref": "#/components/schemas/Time"}
  }
}
})json";
  return kSchemas;
}

}  // namespace werkbank::api
