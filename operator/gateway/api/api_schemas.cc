// What the API's bodies look like: JSON Schema (2020-12), as OpenAPI 3.1 has it. Objects have no
// fields but those that stand here, which the tests hold every answer to.
#include "operator/base/json.h"
#include "operator/gateway/api/api_routes.h"

namespace penstock::gateway {
namespace {

constexpr const char* kSchemas = R"json({
  "Error": {"type": "object", "properties": {"error": {"type": "object", "properties": {"code":
      {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string"}}, "required":
      ["code", "message"], "additionalProperties": false}}, "required": ["error"],
      "additionalProperties": false},
  "Me": {"type": "object", "properties": {"user": {"type": "string"}, "groups": {"type": "array",
      "items": {"type": "string"}}, "mode": {"type": "string", "enum": ["cluster", "local"]},
      "version": {"type": "string"}, "namespaces": {"type": "array", "items": {"type": "string"}},
      "may": {"type": "object", "description":
      "by namespace: list, get, create and patch (of runs), approve, steer (of models)",
      "additionalProperties": {"type": "array", "items": {"type": "string"}}}, "flags": {"type":
      "string", "description": "that a command needs to act here"}, "session": {"type": "boolean",
      "description": "it can be ended by auth/logout"}},
      "required": ["user", "groups", "mode", "version", "namespaces", "may"],
      "additionalProperties": false},
  "LoggedOut": {"type": "object", "properties": {"user": {"type": "string"}}, "required":
      ["user"], "additionalProperties": false},
  "StepCounts": {"type": "object", "properties": {"total": {"type": "integer"}, "succeeded":
      {"type": "integer"}, "failed": {"type": "integer"}, "running": {"type": "integer"},
      "cached": {"type": "integer"}, "skipped": {"type": "integer"}}, "required": ["total",
      "succeeded", "failed", "running", "cached", "skipped"], "additionalProperties": false},
  "RunRow": {"type": "object", "properties": {"namespace": {"type": "string"}, "name": {"type":
      "string"}, "uid": {"type": "string"}, "phase": {"type": "string", "enum": ["Pending",
      "Suspended", "Running", "Succeeded", "Failed", "Cancelled", "Invalid"]}, "steps": {"$ref":
      "#/components/schemas/StepCounts"}, "labels": {"type": "object", "additionalProperties":
      {"type": "string"}}, "pipeline": {"type": "string"}, "reason": {"type": "string"},
      "message": {"type": "string"}, "step": {"type": "string", "description":
      "the step that the reason is about"}, "cause": {"type": "string"}, "user": {"type":
      "string"}, "created": {"type": "string", "format": "date-time"}, "started": {"type":
      "string", "format": "date-time"}, "finished": {"type": "string", "format": "date-time"},
      "archived": {"type": "boolean", "description": "its object is gone; its story was kept"}},
      "required": ["namespace", "name", "uid", "phase", "steps", "labels"],
      "additionalProperties": false},
  "RunList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref":
      "#/components/schemas/RunRow"}}, "next": {"type": "string"}}, "required": ["items"],
      "additionalProperties": false},
  "Times": {"type": "object", "properties": {"queued": {"type": "string", "format": "date-time"},
      "fetchStarted": {"type": "string", "format": "date-time"}, "started": {"type": "string",
      "format": "date-time"}, "uploadStarted": {"type": "string", "format": "date-time"},
      "finished": {"type": "string", "format": "date-time"}}, "required": [],
      "additionalProperties": false},
  "Progress": {"type": "object", "properties": {"done": {"type": "number"}, "total": {"type":
      "number"}, "left": {"type": "string", "description": "a duration, such as 1h30m"}},
      "required": ["done", "total"], "additionalProperties": false},
  "StepRow": {"type": "object", "properties": {"name": {"type": "string"}, "phase": {"type":
      "string", "enum": ["Waiting", "Pending", "Running", "Succeeded", "Failed", "Skipped",
      "Cancelled"]}, "attempt": {"type": "integer"}, "attempts": {"type": "integer"}, "cached":
      {"type": "boolean"}, "times": {"$ref": "#/components/schemas/Times"}, "progress": {"$ref":
      "#/components/schemas/Progress"}, "reason": {"type": "string"}, "message": {"type":
      "string"}, "component": {"type": "string"}, "version": {"type": "string"}, "image": {"type":
      "string"}, "cachedFrom": {"type": "string", "description": "the run that made it"}, "run":
      {"type": "string", "description": "the run of a step that is a Pipeline"}, "items": {"type":
      "object", "properties": {"total": {"type": "integer"}, "succeeded": {"type": "integer"},
      "failed": {"type": "integer"}, "skipped": {"type": "integer"}, "running": {"type":
      "integer"}}, "required": ["total", "succeeded", "failed", "skipped", "running"],
      "additionalProperties": false}}, "required": ["name", "phase", "attempt", "attempts",
      "cached", "times"], "additionalProperties": false},
  "Graph": {"type": "object", "properties": {"nodes": {"type": "array", "items": {"type":
      "object", "properties": {"name": {"type": "string"}, "kind": {"type": "string", "enum":
      ["step", "pipeline", "approval", "wait", "loop", "daemon"]}, "items": {"type": "integer"}},
      "required": ["name", "kind"], "additionalProperties": false}}, "edges": {"type": "array",
      "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}}},
      "required": ["nodes", "edges"], "additionalProperties": false},
  "Condition": {"type": "object", "properties": {"type": {"type": "string"}, "status": {"type":
      "string"}, "reason": {"type": "string"}, "message": {"type": "string"}, "time": {"type":
      "string", "format": "date-time"}}, "required": ["type", "status", "reason", "message",
      "time"], "additionalProperties": false},
  "Use": {"type": "object", "properties": {"name": {"type": "string"}, "type": {"type": "string"},
      "digest": {"type": "string"}, "uri": {"type": "string"}, "fingerprint": {"type": "string"},
      "bytes": {"type": "integer"}, "folder": {"type": "boolean"}, "fromStep": {"type":
      "string"}}, "required": ["name"], "additionalProperties": false},
  "Run": {"type": "object", "properties": {"namespace": {"type": "string"}, "name": {"type":
      "string"}, "uid": {"type": "string"}, "phase": {"type": "string", "enum": ["Pending",
      "Suspended", "Running", "Succeeded", "Failed", "Cancelled", "Invalid"]}, "steps": {"type":
      "array", "items": {"$ref": "#/components/schemas/StepRow"}}, "labels": {"type": "object",
      "additionalProperties": {"type": "string"}}, "parameters": {"type": "object",
      "additionalProperties": true}, "graph": {"$ref": "#/components/schemas/Graph"},
      "conditions": {"type": "array", "items": {"$ref": "#/components/schemas/Condition"}},
      "outputs": {"type": "array", "items": {"$ref": "#/components/schemas/Use"}}, "results":
      {"type": "object", "additionalProperties": true}, "command": {"type": "string"}, "counts":
      {"$ref": "#/components/schemas/StepCounts"}, "pipeline": {"type": "string"}, "reason":
      {"type": "string"}, "message": {"type": "string"}, "step": {"type": "string", "description":
      "the step that the reason is about"}, "cause": {"type": "string"}, "user": {"type":
      "string"}, "created": {"type": "string", "format": "date-time"}, "started": {"type":
      "string", "format": "date-time"}, "finished": {"type": "string", "format": "date-time"},
      "archived": {"type": "boolean", "description": "its object is gone; its story was kept"},
      "spec": {"type": "string", "description": "YAML"}, "parent": {"type": "string"}, "asked":
      {"type": "object", "description":
      "of its own spec pipelineRef, publish and ttlAfterFinished; scheduledTime: what it is for",
      "additionalProperties": true}},
      "required": ["namespace", "name", "uid", "phase", "steps", "labels", "parameters", "graph",
      "conditions", "outputs", "results", "command", "counts"], "additionalProperties": false},
  "Attempt": {"type": "object", "properties": {"attempt": {"type": "integer"}, "pod": {"type":
      "string"}, "node": {"type": "string"}, "phase": {"type": "string"}, "reason": {"type":
      "string"}, "message": {"type": "string"}, "exitCode": {"type": "integer"}, "queued":
      {"type": "string", "format": "date-time"}, "started": {"type": "string", "format":
      "date-time"}, "finished": {"type": "string", "format": "date-time"}, "lastWords": {"type":
      "string"}}, "required": ["attempt"], "additionalProperties": false},
  "Event": {"type": "object", "properties": {"type": {"type": "string"}, "reason": {"type":
      "string"}, "count": {"type": "integer"}, "time": {"type": "string", "format": "date-time"},
      "message": {"type": "string"}}, "required": ["type", "reason", "count"],
      "additionalProperties": false},
  "Approval": {"type": "object", "properties": {"need": {"type": "integer", "description":
      "so many different people"}, "message": {"type": "string"}, "values": {"type": "array",
      "items": {"$ref": "#/components/schemas/Parameter"}}}, "required": ["need", "values"], "additionalProperties":
      false},
  "Step": {"type": "object", "properties": {"name": {"type": "string"}, "phase": {"type":
      "string", "enum": ["Waiting", "Pending", "Running", "Succeeded", "Failed", "Skipped",
      "Cancelled"]}, "attempt": {"type": "integer"}, "attempts": {"type": "array", "items":
      {"$ref": "#/components/schemas/Attempt"}}, "cached": {"type": "boolean"}, "times": {"$ref":
      "#/components/schemas/Times"}, "inputs": {"type": "array", "items": {"$ref":
      "#/components/schemas/Use"}}, "outputs": {"type": "array", "items": {"$ref":
      "#/components/schemas/Use"}}, "results": {"type": "object", "additionalProperties": true},
      "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}, "progress":
      {"$ref": "#/components/schemas/Progress"}, "reason": {"type": "string"}, "message": {"type":
      "string"}, "component": {"type": "string"}, "version": {"type": "string"}, "image": {"type":
      "string"}, "cachedFrom": {"type": "string", "description": "the run that made it"}, "run":
      {"type": "string", "description": "the run of a step that is a Pipeline"}, "items": {"type":
      "object", "properties": {"total": {"type": "integer"}, "succeeded": {"type": "integer"},
      "failed": {"type": "integer"}, "skipped": {"type": "integer"}, "running": {"type":
      "integer"}}, "required": ["total", "succeeded", "failed", "skipped", "running"],
      "additionalProperties": false}, "why": {"type": "string"}, "command": {"type": "array",
      "items": {"type": "string"}}, "cacheMiss": {"type": "string"}, "cacheKey": {"type":
      "string"}, "resources": {"type": "object", "additionalProperties": true}, "dependsOn":
      {"type": "array", "items": {"type": "string"}}, "when": {"type": "string"}, "parameters":
      {"type": "object", "additionalProperties": true}, "approval": {"$ref":
      "#/components/schemas/Approval", "description": "of a step that people decide"}},
      "required": ["name", "phase", "attempt",
      "attempts", "cached", "times", "inputs", "outputs", "results", "events"],
      "additionalProperties": false},
  "Series": {"type": "object", "properties": {"series": {"type": "array", "items": {"type":
      "object", "properties": {"name": {"type": "string"}, "points": {"type": "array", "items":
      {"type": "array", "description": "step, value, time", "prefixItems": [{"type": "number"},
      {"type": "number"}, {"type": "string", "format": "date-time"}], "minItems": 3, "maxItems":
      3}}}, "required": ["name", "points"], "additionalProperties": false}}, "progress": {"$ref": "#/components/schemas/Progress"}}, "required": ["series"],
      "additionalProperties": false},
  "Comparison": {"type": "object", "properties": {"runs": {"type": "array", "items": {"$ref":
      "#/components/schemas/RunRow"}}, "parameters": {"type": "array", "items": {"type": "object",
      "properties": {"name": {"type": "string"}, "values": {"type": "array", "items": {}},
      "differs": {"type": "boolean"}}, "required": ["name", "values", "differs"],
      "additionalProperties": false}}, "metrics": {"type": "array", "items": {"type": "object",
      "properties": {"step": {"type": "string"}, "name": {"type": "string"}, "values": {"type":
      "array", "items": {}}, "differs": {"type": "boolean"}}, "required": ["step", "name",
      "values", "differs"], "additionalProperties": false}}, "inputs": {"type": "array", "items":
      {"type": "object", "properties": {"step": {"type": "string"}, "name": {"type": "string"},
      "digests": {"type": "array", "items": {}}, "differs": {"type": "boolean"}}, "required":
      ["step", "name", "digests", "differs"], "additionalProperties": false}}}, "required":
      ["runs", "parameters", "metrics", "inputs"], "additionalProperties": false},
  "Grid": {"type": "object", "properties": {"steps": {"type": "array", "items": {"type":
      "string"}}, "runs": {"type": "array", "items": {"type": "object", "properties": {"name":
      {"type": "string"}, "phase": {"type": "string"}, "cells": {"type": "object",
      "additionalProperties": {"type": "string"}}, "created": {"type": "string", "format":
      "date-time"}, "finished": {"type": "string", "format": "date-time"}}, "required": ["name",
      "phase", "cells"], "additionalProperties": false}}}, "required": ["steps", "runs"],
      "additionalProperties": false},
  "Schedule": {"type": "object", "properties": {"name": {"type": "string"}, "cron": {"type":
      "string"}, "suspended": {"type": "boolean"}, "timeZone": {"type": "string"}, "last":
      {"type": "string", "format": "date-time"}, "next": {"type": "string", "format":
      "date-time"}}, "required": ["name", "cron", "suspended"], "additionalProperties": false},
  "PipelineRow": {"type": "object", "properties": {"name": {"type": "string"}, "suspended":
      {"type": "boolean"}, "activeRuns": {"type": "integer"}, "schedules": {"type": "array",
      "items": {"$ref": "#/components/schemas/Schedule"}}, "ready": {"type": "string"}, "message":
      {"type": "string"}, "nextRun": {"type": "string", "format": "date-time"}, "lastRun":
      {"type": "object", "properties": {"name": {"type": "string"}, "phase": {"type": "string"},
      "finished": {"type": "string", "format": "date-time"}}, "required": ["name", "phase"],
      "additionalProperties": false}}, "required": ["name", "suspended", "activeRuns",
      "schedules"], "additionalProperties": false},
  "PipelineList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref":
      "#/components/schemas/PipelineRow"}}, "next": {"type": "string"}}, "required": ["items"],
      "additionalProperties": false},
  "Parameter": {"type": "object", "properties": {"name": {"type": "string"}, "type": {"type":
      "string", "enum": ["string", "integer", "number", "boolean", "list", "object"]},
      "description": {"type": "string"}, "pattern": {"type": "string"}, "default": {}, "optional":
      {"type": "boolean"}, "minimum": {"type": "number"}, "maximum": {"type": "number"},
      "maxLength": {"type": "integer"}, "enum": {"type": "array", "items": {}}, "items": {}},
      "required": ["name", "type"], "additionalProperties": false},
  "Pipeline": {"type": "object", "properties": {"name": {"type": "string"}, "suspended": {"type":
      "boolean"}, "activeRuns": {"type": "integer"}, "schedules": {"type": "array", "items":
      {"$ref": "#/components/schemas/Schedule"}}, "parameters": {"type": "array", "items":
      {"$ref": "#/components/schemas/Parameter"}}, "inputs": {"type": "array", "items": {"type":
      "object", "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "optional":
      {"type": "boolean"}, "description": {"type": "string"}}, "required": ["name", "type",
      "optional"], "additionalProperties": false}}, "steps": {"type": "array", "items": {"type":
      "string"}}, "approvals": {"type": "array", "items": {"type": "string"}}, "triggers":
      {"type": "array", "items": {"type": "object", "properties": {"pipeline": {"type": "string"},
      "output": {"type": "string"}, "source": {"type": "string"}, "webhook": {"type": "string"}},
      "required": [], "additionalProperties": false}}, "spec": {"type": "string", "description":
      "YAML"}, "ready":
      {"type": "string"}, "message": {"type": "string"}, "nextRun": {"type": "string", "format":
      "date-time"}, "lastRun": {"type": "object", "properties": {"name": {"type": "string"},
      "phase": {"type": "string"}, "finished": {"type": "string", "format": "date-time"}},
      "required": ["name", "phase"], "additionalProperties": false}, "description": {"type":
      "string"}}, "required": ["name", "suspended", "activeRuns", "schedules", "parameters",
      "inputs", "steps", "approvals", "triggers", "spec"], "additionalProperties": false},
  "Gate": {"type": "object", "properties": {"name": {"type": "string"}, "samples": {"type":
      "integer"}, "metric": {"type": "string"}, "value": {"type": "string"}, "interval": {"type":
      "array", "description": "its ends; one that is not known is empty", "items": {"type":
      "string"}, "minItems": 2, "maxItems": 2}, "bound": {"type": "string"}, "verdict": {"type":
      "string"}, "message": {"type": "string"}}, "required": ["name", "samples"],
      "additionalProperties": false},
  "ModelVersion": {"type": "object", "properties": {"name": {"type": "string"}, "version":
      {"type": "integer"}, "role": {"type": "string", "enum": ["stable", "candidate"]}, "digest":
      {"type": "string"}, "bytes": {"type": "integer"}, "replicas": {"type": "integer"},
      "readyReplicas": {"type": "integer"}, "weight": {"type": "string"}, "phase": {"type":
      "string"}, "reason": {"type": "string"}, "run": {"type": "string"}, "source": {"type":
      "string"}, "created": {"type": "string", "format": "date-time"}}, "required": ["name",
      "version", "role", "digest", "bytes", "replicas", "readyReplicas"], "additionalProperties":
      false},
  "Rollout": {"type": "object", "properties": {"version": {"type": "integer"}, "phase": {"type":
      "string"}, "step": {"type": "integer"}, "steps": {"type": "integer"}, "gates": {"type":
      "array", "items": {"$ref": "#/components/schemas/Gate"}}, "approval": {"$ref":
      "#/components/schemas/Approval"}, "message": {"type": "string"},
      "since": {"type": "string", "format": "date-time"}}, "required": ["version", "phase",
      "step", "steps", "gates"], "additionalProperties": false},
  "ModelRow": {"type": "object", "properties": {"name": {"type": "string"}, "phase": {"type":
      "string"}, "versions": {"type": "array", "items": {"$ref":
      "#/components/schemas/ModelVersion"}}, "reason": {"type": "string"}, "message": {"type":
      "string"}, "rollout": {"$ref": "#/components/schemas/Rollout"}}, "required": ["name",
      "phase", "versions"], "additionalProperties": false},
  "ModelList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref":
      "#/components/schemas/ModelRow"}}, "next": {"type": "string"}}, "required": ["items"],
      "additionalProperties": false},
  "ModelHistory": {"type": "object", "properties": {"version": {"type": "integer"}, "digest":
      {"type": "string"}, "outcome": {"type": "string"}, "evidence": {"type": "array", "items":
      {"$ref": "#/components/schemas/Gate"}}, "reason": {"type": "string"}, "time": {"type":
      "string", "format": "date-time"}, "to": {"type": "integer"}}, "required": ["version",
      "digest", "outcome", "evidence"], "additionalProperties": false},
  "Model": {"type": "object", "properties": {"name": {"type": "string"}, "phase": {"type":
      "string"}, "versions": {"type": "array", "items": {"$ref":
      "#/components/schemas/ModelVersion"}}, "model": {"type": "string"}, "history": {"type":
      "array", "items": {"$ref": "#/components/schemas/ModelHistory"}}, "conditions": {"type":
      "array", "items": {"$ref": "#/components/schemas/Condition"}}, "reason": {"type": "string"},
      "message": {"type": "string"}, "rollout": {"$ref": "#/components/schemas/Rollout"}, "url":
      {"type": "string"}}, "required": ["name", "phase", "versions", "model", "history",
      "conditions"], "additionalProperties": false},
  "Artifact": {"type": "object", "properties": {"digest": {"type": "string"}, "folder": {"type":
      "boolean"}, "bytes": {"type": "integer"}, "fileCount": {"type": "integer"}, "files":
      {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"},
      "bytes": {"type": "integer"}}, "required": ["path", "bytes"], "additionalProperties":
      false}}, "type": {"type": "string"}, "producer": {"type": "object", "properties": {"run":
      {"type": "string"}, "step": {"type": "string"}, "output": {"type": "string"}}, "required":
      ["run", "step"], "additionalProperties": false}, "schema": {}, "sample": {"$ref":
      "#/components/schemas/SampledRows"}, "statistics": {}, "metrics": {}, "report":
      {"type": "string", "description": "the path of a page"}}, "required":
      ["digest", "folder", "bytes", "fileCount", "files"], "additionalProperties": false},
  "SampledRows": {"type": "object", "properties": {"columns": {"type": "array", "items": {"type":
      "string"}}, "moreColumns": {"type": "integer", "description": "that the dataset has besides"},
      "rows": {"type": "array", "items": {"type": "array", "items": {}}}, "places": {"type":
      "array", "items": {"type": "integer"}, "description": "of the rows in the dataset, from 0"},
      "cut": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "minItems":
      3, "maxItems": 3}, "description":
      "values that are not whole: row and column here, and the length in bytes or elements"}},
      "required": ["columns", "moreColumns", "rows", "places", "cut"], "additionalProperties":
      false},
  "LineageNode": {"type": "object", "properties": {"id": {"type": "string"}, "kind": {"type":
      "string", "enum": ["file", "artifact", "step", "model", "deployment", "request"]}, "label": {"type":
      "string"}, "run": {"type": "string"}, "step": {"type": "string"}, "component": {"type":
      "string"}, "pipeline": {"type": "string"}, "started": {"type": "string", "format":
      "date-time"}, "digest": {"type": "string"}, "uri": {"type": "string"}, "type": {"type":
      "string"}, "bytes": {"type": "integer"}, "version": {"type": "integer"}, "weight": {"type":
      "string"}}, "required": ["id", "kind", "label"], "additionalProperties": false},
  "Lineage": {"type": "object", "properties": {"nodes": {"type": "array", "items": {"$ref":
      "#/components/schemas/LineageNode"}}, "edges": {"type": "array", "items": {"type": "array",
      "items": {"type": "string"}, "minItems": 2, "maxItems": 2}}, "cut": {"type": "boolean",
      "description":
      "there is more than was asked for"}}, "required": ["nodes", "edges", "cut"],
      "additionalProperties": false},
  "StartRun": {"type": "object", "properties": {"pipeline": {"type": "string"}, "parameters":
      {"type": "object", "additionalProperties": true}, "name": {"type": "string"}}, "required":
      ["pipeline"], "additionalProperties": false},
  "RerunRun": {"type": "object", "properties": {"parameters": {"type": "object",
      "additionalProperties": true}, "from": {"type": "array", "items": {"type": "string"},
      "description": "these steps and all after them run anew; none: what failed"}}, "required": [], "additionalProperties": false},
  "ApproveStep": {"type": "object", "properties": {"step": {"type": "string"}, "approved":
      {"type": "boolean"}, "comment": {"type": "string"}, "values": {"type": "object",
      "additionalProperties": true}}, "required": ["step", "approved"], "additionalProperties":
      false},
  "ApproveModel": {"type": "object", "properties": {"approved": {"type": "boolean"}, "comment":
      {"type": "string"}, "version": {"type": "integer", "description":
      "that was looked at: refused where another waits now"}, "step": {"type": "integer"}},
      "required": ["approved"], "additionalProperties": false},
  "CollectStore": {"type": "object", "properties": {"dryRun": {"type": "boolean"}, "takeOver":
      {"type": "boolean", "description": "also what another cluster has marked as its own"}},
      "required": [], "additionalProperties": false},
  "StoreJob": {"type": "object", "properties": {"id": {"type": "integer"}, "job": {"type":
      "string", "enum": ["du", "gc", "verify"]}, "state": {"type": "string", "enum": ["running",
      "done", "failed"]}, "started": {"type": "string", "format": "date-time"}, "finished":
      {"type": "string", "format": "date-time"}, "error": {"type": "string"}, "report": {"type":
      "object", "additionalProperties": true}}, "required": ["id", "job", "state", "started"],
      "additionalProperties": false},
  "Nothing": {"type": "object", "properties": {}, "required": [], "additionalProperties": false},
  "Steered": {"type": "object", "properties": {"name": {"type": "string"}, "word": {"type":
      "string"}}, "required": ["name", "word"], "additionalProperties": false}
})json";

}  // namespace

const Json& ApiSchemas() {
  static const Json kParsed = Json::parse(kSchemas);
  return kParsed;
}

}  // namespace penstock::gateway
