// The documents of the interface as JSON Schema. Kept beside the code that writes them (domain/run.cc, domain/environment.cc,
// api/*.cc); tests/e2e compares every answer it gets with these.
#include "api/openapi.hh"
#include "api/schema_parts.hh"

namespace werkbank::api {
namespace {

constexpr std::string_view kSchemas = R"json({
"Problem": {
  "type": "object", "required": ["type", "title", "status", "code", "detail", "hint"],
  "properties": {
    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"},
    "detail": {"type": "string"}, "hint": {"type": "string"}, "instance": {"type": "string"}
  }
},
"TextMap": {"type": "object", "additionalProperties": {"type": "string"}},
"Texts": {"type": "array", "items": {"type": "string"}},
"Time": {"type": ["string", "null"], "description": "2026-11-21T08:37:21.123456Z"},
"Health": {
  "type": "object", "required": ["status", "version"],
  "properties": {"status": {"const": "ok"}, "version": {"type": "string"}}
},
"About": {
  "type": "object", "required": ["product", "version", "apiVersion", "instanceId", "authentication"],
  "properties": {
    "product": {"const": "werkbank"}, "version": {"type": "string"}, "apiVersion": {"type": "integer"},
    "instanceId": {"type": "string"}, "webAddress": {"type": "string"}, "authentication": {"enum": ["unix", "token", "none"]}
  }
},
"ErrorCode": {
  "type": "object", "properties": {"code": {"type": "string"}, "title": {"type": "string"}, "remedy": {"type": "string"}}
},
"Login": {
  "type": "object",
  "properties": {
    "user": {"type": "string"}, "via": {"enum": ["nobody", "unix", "none", "token", "run"]}, "workspace": {"type": "string"},
    "role": {"enum": ["reader", "contributor", "owner"]}
  }
},
"Stopping": {"type": "object", "properties": {"status": {"const": "stopping"}, "activeRuns": {"type": "integer"}}},
"Workspace": {
  "type": "object", "required": ["name", "subscriptionId", "resourceGroup", "location", "tags", "createdUtc"],
  "properties": {
    "name": {"type": "string"}, "subscriptionId": {"type": "string"}, "resourceGroup": {"type": "string"},
    "location": {"type": "string"}, "description": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"},
    "createdUtc": {"$ref": "#/components/schemas/Time"}
  }
},
"NewWorkspace": {
  "type": "object", "required": ["name"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$"}, "subscriptionId": {"type": "string"},
    "resourceGroup": {"type": "string"}, "location": {"type": "string"}, "description": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "existOk": {"type": "boolean"}
  }
},
"WorkspaceChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "description": {"type": "string"}, "location": {"type": "string"}, "subscriptionId": {"type": "string"},
    "resourceGroup": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"}
  }
},
"Experiment": {
  "type": "object", "required": ["workspace", "name", "id", "tags", "stage", "createdUtc"],
  "properties": {
    "workspace": {"type": "string"}, "name": {"type": "string"}, "id": {"type": "integer"}, "description": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "stage": {"enum": ["active", "archived", "deleted"]},
    "createdUtc": {"$ref": "#/components/schemas/Time"},
    "archivedUtc": {"$ref": "#/components/schemas/Time"}, "deletedUtc": {"$ref": "#/components/schemas/Time"}
  }
},
"WorkspaceContents": {
  "type": "object", "required": ["workspace", "runs", "activeRuns", "totalBytes"],
  "properties": {
    "workspace": {"type": "string"}, "experiments": {"type": "integer"}, "runs": {"type": "integer"},
    "activeRuns": {"type": "integer"}, "environments": {"type": "integer"},
    "models": {"type": "integer"}, "secrets": {"type": "integer"},
    "blobs": {"type": "integer"}, "metricPoints": {"type": "integer"}, "blobBytes": {"type": "integer"},
    "dataFiles": {"type": "integer"},
    "dataBytes": {"type": "integer"}, "logBytes": {"type": "integer"}, "totalBytes": {"type": "integer"}
  }
},
"GarbageRequest": {
  "type": "object", "additionalProperties": false,
  "properties": {"dryRun": {"type": "boolean"}, "emptyTrash": {"type": "boolean"}}
},
"Garbage": {
  "type": "object", "required": ["dryRun", "blobs", "totalBytes"],
  "properties": {
    "dryRun": {"type": "boolean"}, "runs": {"type": "integer"}, "snapshots": {"type": "integer"},
    "blobs": {"type": "integer"}, "events": {"type": "integer"}, "idempotencyKeys": {"type": "integer"},
    "blobBytes": {"type": "integer"}, "logBytes": {"type": "integer"}, "totalBytes": {"type": "integer"}
  }
},
"NewExperiment": {
  "type": "object", "required": ["name"], "additionalProperties": false,
  "properties": {"name": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$"}}
},
"ExperimentChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "description": {"type": "string"}, "tags": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    "stage": {"enum": ["active", "archived"]}
  }
},
"SnapshotAnswer": {
  "type": "object", "required": ["snapshotId", "missing"],
  "properties": {"snapshotId": {"type": "string"}, "missing": {"$ref": "#/components/schemas/Texts"}}
},
"BlobAnswer": {"type": "object", "required": ["hash"], "properties": {"hash": {"type": "string"}}},
"EnvironmentDefinition": {
  "type": "object",
  "properties": {
    "name": {"type": "string"}, "version": {"type": "string"}, "userManaged": {"type": "boolean"},
    "interpreter": {"type": "string"}, "pythonVersion": {"type": "string"},
    "pipRequirements": {"$ref": "#/components/schemas/Texts"}, "condaPackages": {"$ref": "#/components/schemas/Texts"},
    "condaChannels": {"$ref": "#/components/schemas/Texts"}, "policy": {"enum": ["exact", "nearest"]},
    "variables": {"$ref": "#/components/schemas/TextMap"}, "docker": {"type": "object"}, "spark": {"type": "object"},
    "other": {"type": "object"}
  }
},
"Environment": {
  "allOf": [
    {"$ref": "#/components/schemas/EnvironmentDefinition"},
    {
      "type": "object", "required": ["name", "version", "createdUtc"],
      "properties": {
        "createdUtc": {"oneOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]}, "curated": {"type": "boolean"},
        "labels": {"$ref": "#/components/schemas/Texts"}
      }
    }
  ]
},
"EnvironmentLabel": {
  "type": "object", "required": ["version"], "additionalProperties": false, "properties": {"version": {"type": "string"}}
},
"PrepareRequest": {
  "type": "object", "required": ["environment"], "additionalProperties": false,
  "properties": {
    "environment": {"$ref": "#/components/schemas/EnvironmentDefinition"}, "target": {"type": "string"},
    "submitterEnvironment": {"$ref": "#/components/schemas/TextMap"}
  }
},
"BuiltEnvironment": {
  "type": "object", "required": ["hash", "ready"],
  "properties": {
    "hash": {"type": "string"}, "name": {"type": "string"}, "ready": {"type": "boolean"}, "managed": {"type": "boolean"},
    "pythonVersion": {"type": "string"}, "interpreter": {"type": "string"}, "packages": {"$ref": "#/components/schemas/Texts"},
    "relaxed": {"$ref": "#/components/schemas/Texts"}, "builtUtc": {"$ref": "#/components/schemas/Time"},
    "usedUtc": {"$ref": "#/components/schemas/Time"}, "inUse": {"type": "boolean"}, "sizeBytes": {"type": "integer"}
  }
},
"RunSpec": {
  "type": "object",
  "properties": {
    "snapshotId": {"type": "string"}, "script": {"type": "string"}, "arguments": {"$ref": "#/components/schemas/Texts"},
    "command": {"type": "string"}, "target": {"type": "string"}, "framework": {"type": "string"},
    "environment": {"$ref": "#/components/schemas/EnvironmentDefinition"},
    "environmentVariables": {"$ref": "#/components/schemas/TextMap"},
    "submitterEnvironment": {"$ref": "#/components/schemas/TextMap"},
    "watchedDirectories": {"$ref": "#/components/schemas/Texts"}, "collectOutputs": {"type": "boolean"},
    "timeoutSeconds": {"type": "integer", "minimum": 0}, "priority": {"type": "integer"},
    "nodeCount": {"type": "integer", "minimum": 1},
    "distribution": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "communicator": {"enum": ["None", "ParameterServer", "OpenMpi", "IntelMpi", "Nccl", "Gloo"]},
        "processCountPerNode": {"type": "integer", "minimum": 1}, "processCount": {"type": "integer", "minimum": 0},
        "workerCount": {"type": "integer", "minimum": 1}, "parameterServerCount": {"type": "integer", "minimum": 0}
      }
    }
  }
},
"GitFacts": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "repositoryUrl": {"type": "string"}, "branch": {"type": "string"}, "commit": {"type": "string"},
    "dirty": {"type": "boolean"}
  }
},
"Submission": {
  "type": "object", "required": ["experiment", "spec"], "additionalProperties": false,
  "properties": {
    "experiment": {"type": "string"}, "runId": {"type": "string"}, "displayName": {"type": "string"},
    "description": {"type": "string"}, "parentRunId": {"type": "string"}, "runType": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "properties": {"$ref": "#/components/schemas/TextMap"},
    "git": {"$ref": "#/components/schemas/GitFacts"}, "spec": {"$ref": "#/components/schemas/RunSpec"},
    "pool": {"type": "object", "description": "with the target amlcompute: vmSize, vmPriority, maxNodes, name, retain"},
    "environment": {"$ref": "#/components/schemas/EnvironmentDefinition"}
  }
},
"TrackedRun": {
  "type": "object", "required": ["experiment"], "additionalProperties": false,
  "properties": {
    "experiment": {"type": "string"}, "runId": {"type": "string"}, "displayName": {"type": "string"},
    "parentRunId": {"type": "string"}, "runType": {"type": "string"}, "snapshotId": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "properties": {"$ref": "#/components/schemas/TextMap"},
    "status": {"enum": ["NotStarted", "Running"]}, "git": {"$ref": "#/components/schemas/GitFacts"}
  }
},
"RunEnd": {
  "type": ["object", "null"],
  "properties": {
    "reason": {
      "enum": [
        "none", "exit_code", "signal", "out_of_memory", "timeout", "canceled", "lost", "environment", "launch",
        "given_up", "client", "output"
      ]
    },
    "exitCode": {"type": ["integer", "null"]}, "signal": {"type": ["integer", "null"]},
    "canceledBy": {"type": ["string", "null"]}, "code": {"type": "string"}, "message": {"type": "string"},
    "hint": {"type": "string"}, "logTail": {"$ref": "#/components/schemas/Texts"}, "details": {"type": "object"}
  }
},
"Run": {
  "type": "object",
  "required": [
    "workspace", "experiment", "experimentId", "runId", "runNumber", "rootRunId", "status", "tags", "properties", "createdBy",
    "revision", "dataContainerId"
  ],
  "properties": {
    "workspace": {"type": "string"}, "experiment": {"type": "string"}, "experimentId": {"type": "integer"},
    "runId": {"type": "string"}, "runNumber": {"type": "integer"}, "rootRunId": {"type": "string"},
    "parentRunId": {"type": ["string", "null"]}, "displayName": {"type": "string"}, "description": {"type": "string"},
    "runType": {"type": "string"}, "managed": {"type": "boolean"},
    "status": {
      "enum": [
        "NotStarted", "Queued", "Provisioning", "Preparing", "Starting", "Running", "Finalizing", "CancelRequested",
        "NotResponding", "Completed", "Failed", "Canceled"
      ]
    },
    "stage": {"enum": ["active", "archived", "deleted"]}, "target": {"type": "string"}, "script": {"type": "string"},
    "snapshotId": {"type": ["string", "null"]},
    "createdBy": {"type": "object", "properties": {"userName": {"type": "string"}}},
    "createdUtc": {"$ref": "#/components/schemas/Time"}, "queuedUtc": {"$ref": "#/components/schemas/Time"},
    "startTimeUtc": {"$ref": "#/components/schemas/Time"}, "endTimeUtc": {"$ref": "#/components/schemas/Time"},
    "priority": {"type": "integer"}, "attempt": {"type": "integer"}, "cancelRequested": {"type": "boolean"},
    "tags": {"$ref": "#/components/schemas/TextMap"}, "properties": {"$ref": "#/components/schemas/TextMap"},
    "params": {"$ref": "#/components/schemas/TextMap"}, "warnings": {"$ref": "#/components/schemas/Texts"},
    "revision": {"type": "integer"}, "dataContainerId": {"type": "string"}, "error": {"$ref": "#/components/schemas/RunEnd"}
  }
},
"RunDetails": {
  "type": "object",
  "required": ["runId", "target", "status", "properties", "inputDatasets", "outputDatasets", "logFiles", "submittedBy"]
},
"RunChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "displayName": {"type": "string"}, "description": {"type": "string"},
    "tags": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    "properties": {"$ref": "#/components/schemas/TextMap"}, "params": {"$ref": "#/components/schemas/TextMap"}
  }
},
"StatusChange": {
  "type": "object", "required": ["status"], "additionalProperties": false,
  "properties": {"status": {"type": "string"}, "error": {"type": "object"}}
},
"NewChildren": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "count": {"type": "integer", "maximum": 100}, "tagKey": {"type": "string"},
    "tagValues": {"$ref": "#/components/schemas/Texts"}
  }
},
"Explanation": {
  "type": "object", "required": ["status", "summary", "reasons", "next"],
  "properties": {
    "status": {"type": "string"}, "summary": {"type": "string"}, "reasons": {"$ref": "#/components/schemas/Texts"},
    "next": {"$ref": "#/components/schemas/Texts"}
  }
},
"Accepted": {"type": "object", "required": ["accepted"], "properties": {"accepted": {"type": "integer"}}},
"Value": {
  "type": ["number", "string", "null", "object"],
  "description": "NaN and infinities are {\"special\": \"nan\"|\"inf\"|\"-inf\"}"
},
"Metrics": {
  "type": "object", "required": ["metrics"],
  "properties": {
    "metrics": {
      "type": "array",
      "items": {
        "type": "object", "required": ["name", "kind", "columns"],
        "properties": {
          "name": {"type": "string"}, "kind": {"type": "string"},
          "columns": {
            "type": "array",
            "items": {
              "type": "object", "required": ["name", "count"],
              "properties": {
                "name": {"type": "string"}, "count": {"type": "integer"}, "last": {"$ref": "#/components/schemas/Value"},
                "from": {"type": "integer", "description": "the sequence of the first value in this answer"},
                "values": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}}
              }
            }
          }
        }
      }
    },
    "next": {"type": "string", "description": "ask again with this cursor; empty where all is told"}
  }
},
"Points": {
  "type": "object", "required": ["points", "next", "more"],
  "properties": {
    "points": {"type": "array", "items": {"type": "object"}}, "next": {"type": "integer"}, "more": {"type": "boolean"}
  }
},
"Artifact": {
  "type": "object", "required": ["path", "sizeBytes", "live"],
  "properties": {
    "path": {"type": "string"}, "sizeBytes": {"type": "integer"}, "hash": {"type": "string"}, "attempt": {"type": "integer"},
    "rank": {"type": "integer"}, "modifiedUtc": {"$ref": "#/components/schemas/Time"}, "live": {"type": "boolean"}
  }
},
"RunnerReport": {"type": "object", "required": ["attempt", "lease", "phase"]},
"ReportAnswer": {"type": "object", "required": ["cancel"], "properties": {"cancel": {"type": "boolean"}}},
"LogSize": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
"ArtifactList": {
  "type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": {"type": "object"}}}
},
"StoredCount": {"type": "object", "properties": {"stored": {"type": "integer"}}},
"ComputeTarget": {
  "type": "object", "required": ["name", "kind", "state", "isOfInstallation"],
  "properties": {
    "name": {"type": "string"}, "kind": {"type": "string"}, "state": {"enum": ["Succeeded", "Failed"]},
    "isOfInstallation": {"type": "boolean"}, "capabilities": {"type": "object"}, "workspace": {"type": "string"},
    "id": {"type": "string"}, "description": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"},
    "settings": {"type": "object"}, "status": {"type": "object"}, "createdBy": {"type": "string"},
    "createdUtc": {"$ref": "#/components/schemas/Time"}, "modifiedUtc": {"$ref": "#/components/schemas/Time"}
  }
},
"NewComputeTarget": {
  "type": "object", "required": ["name", "kind"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "pattern": "^[a-zA-Z][a-zA-Z0-9_-]{1,63}$"}, "kind": {"type": "string"},
    "description": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"}, "settings": {"type": "object"}
  }
},
"ComputeTargetChange": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "description": {"type": "string"}, "tags": {"$ref": "#/components/schemas/TextMap"}, "settings": {"type": "object"}
  }
},
"NodeSize": {
  "type": "object", "required": ["name", "vCPUs", "gpus", "memoryGB", "nodesMax"],
  "properties": {
    "name": {"type": "string"}, "vCPUs": {"type": "integer"}, "gpus": {"type": "integer"}, "memoryGB": {"type": "number"},
    "nodesMax": {"type": "integer"}
  }
},
"ComputeNode": {
  "type": "object", "required": ["nodeId", "nodeState", "slice"],
  "properties": {
    "nodeId": {"type": "string"}, "nodeState": {"enum": ["idle", "preparing", "running", "leaving", "preempted"]},
    "runId": {"type": ["string", "null"]}, "sinceUtc": {"$ref": "#/components/schemas/Time"}, "slice": {"type": "object"}
  }
},
"Token": {
  "type": "object", "required": ["id", "user", "workspace", "role"],
  "properties": {
    "id": {"type": "string"}, "user": {"type": "string"}, "workspace": {"type": "string"},
    "role": {"enum": ["reader", "contributor", "owner"]}, "description": {"type": "string"},
    "createdUtc": {"$ref": "#/components/schemas/Time"}, "expiresUtc": {"$ref": "#/components/schemas/Time"}
  }
},
"NewToken": {
  "type": "object", "additionalProperties": false,
  "properties": {
    "user": {"type": "string"}, "workspace": {"type": "string"}, "role": {"enum": ["reader", "contributor", "owner"]},
    "expiresInSeconds": {"type": "integer"}, "description": {"type": "string"}
  }
},
"CreatedToken": {
  "allOf": [
    {"$ref": "#/components/schemas/Token"},
    {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}
  ]
},
"RerunRequest": {"type": "object", "additionalProperties": false, "properties": {"exact": {"type": "boolean"}}},
"Rerun": {
  "type": "object", "required": ["run", "differences"],
  "properties": {
    "run": {"$ref": "#/components/schemas/Run"},
    "differences": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "what": {"type": "string"}, "then": {"type": "string"}, "now": {"type": "string"}, "matters": {"type": "boolean"}
        }
      }
    }
  }
},
"DeviceLogin": {
  "type": "object", "required": ["deviceCode", "userCode"],
  "properties": {
    "deviceCode": {"type": "string"}, "userCode": {"type": "string"}, "path": {"type": "string"},
    "interval": {"type": "integer"}, "expiresIn": {"type": "integer"}
  }
},
"DeviceCode": {
  "type": "object", "required": ["deviceCode"], "additionalProperties": false, "properties": {"deviceCode": {"type": "string"}}
},
"DeviceToken": {
  "type": "object", "required": ["status"],
  "properties": {
    "status": {"enum": ["pending", "approved"]}, "id": {"type": "string"}, "user": {"type": "string"},
    "workspace": {"type": "string"}, "role": {"enum": ["reader", "contributor", "owner"]},
    "expiresUtc": {"$ref": "#/components/schemas/Time"}, "token": {"type": "string"}
  }
},
"UserCode": {
  "type": "object", "required": ["userCode"], "additionalProperties": false, "properties": {"userCode": {"type": "string"}}
},
"LoginGrant": {
  "type": "object", "required": ["userCode", "user"], "additionalProperties": false,
  "properties": {
    "userCode": {"type": "string"}, "user": {"type": "string"}, "workspace": {"type": "string"},
    "role": {"enum": ["reader", "contributor", "owner"]}, "expiresInSeconds": {"type": "integer"}
  }
},
"Member": {
  "type": "object",
  "properties": {
    "user": {"type": "string"}, "workspace": {"type": "string"}, "role": {"enum": ["reader", "contributor", "owner"]}
  }
},
"RoleChange": {
  "type": "object", "required": ["role"], "additionalProperties": false,
  "properties": {"role": {"enum": ["reader", "contributor", "owner"]}}
},
"SecretName": {
  "type": "object", "properties": {"name": {"type": "string"}, "createdUtc": {"$ref": "#/components/schemas/Time"}}
},
"NewSecret": {
  "type": "object", "required": ["value"], "additionalProperties": false, "properties": {"value": {"type": "string"}}
},
"SecretValue": {
  "type": "object", "required": ["name", "value"], "properties": {"name": {"type": "string"}, "value": {"type": "string"}}
}
})json";

}  // namespace

const json::object& schemas() {
  static const json::object document = [] {
    json::object all = json::parse(kSchemas).as_object();
    for (const std::string_view part :
         {model_schemas(), datastore_schemas(), runner_data_schemas(), quota_schemas(), dataset_schemas()}) {
      for (const auto& schema : json::parse(part).as_object()) all[schema.key()] = schema.value();
    }
    return all;
  }();
  return document;
}

}  // namespace werkbank::api
