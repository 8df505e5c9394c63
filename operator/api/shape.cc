// Checks values of core/v1 types, and words the errors that all readers share.
#include <algorithm>

#include "operator/api/reader.h"
#include "operator/api/text_format.h"
#include "operator/base/nearest.h"

namespace penstock::api {
namespace {

void CheckFields(const Json& value, const Shape& shape, const std::string& path,
                 std::vector<FieldError>* errors) {
  std::vector<std::string_view> known;
  for (const ShapeField& field : shape.fields) {
    known.emplace_back(field.name);
    const auto it = value.find(field.name);
    if (it != value.end() && !it->is_null())
      CheckShape(*it, *field.shape, ChildPath(path, field.name), errors);
    else if (field.required)
      errors->push_back({ChildPath(path, field.name), "is required"});
  }
  if (shape.kind == Shape::kOpenObject) return;
  for (const auto& [name, item] : value.items())
    if (std::find(known.begin(), known.end(), name) == known.end())
      errors->push_back({ChildPath(path, name), UnknownField(name, known)});
}

bool HasKind(const Json& value, Shape::Kind kind) {
  switch (kind) {
    case Shape::kAny:
      return true;
    case Shape::kString:
      return value.is_string();
    case Shape::kInteger:
      return value.is_number_integer();
    case Shape::kBoolean:
      return value.is_boolean();
    case Shape::kQuantityValue:
    case Shape::kTemplateQuantity:
      return value.is_number_integer() || value.is_string();
    case Shape::kList:
      return value.is_array();
    case Shape::kObject:
    case Shape::kMap:
    case Shape::kOpenObject:
      return value.is_object();
  }
  return false;
}

const char* Wanted(Shape::Kind kind) {
  switch (kind) {
    case Shape::kString:
      return "a string";
    case Shape::kInteger:
      return "a whole number";
    case Shape::kBoolean:
      return "true or false";
    case Shape::kQuantityValue:
    case Shape::kTemplateQuantity:
      return "a whole number or a string like 500m or 2Gi";
    case Shape::kList:
      return "a list";
    default:
      return "an object";
  }
}

// What Argo Workflows, Tekton and Airflow call what has another name here: docs/cookbook.md.
constexpr std::pair<std::string_view, const char*> kOthersWords[] = {
    {"templates", "steps, each with its own container, component or pipeline"},
    {"entrypoint", "not needed: all steps run, in the order of what they use and dependsOn"},
    {"dag", "steps: what a step uses, and dependsOn, make the graph"},
    {"tasks", "steps"},
    {"taskSpec", "container, in the step itself"},
    {"taskRef", "component or pipeline, by name"},
    {"templateRef", "pipeline: {name}, or component"},
    {"workflowTemplateRef", "pipeline: {name}"},
    {"pipelineRef", "pipeline: {name}"},
    {"arguments", "parameters and inputs, each a map"},
    {"params", "parameters"},
    {"script", "container: {command: [sh, -c], args: [...]}, or code"},
    {"source", "an argument of the container's command"},
    {"withItems", "forEach: {in: [...]}"},
    {"withParam", "forEach: {in: $(...)}"},
    {"withSequence", "forEach: {range: {...}}"},
    {"dependencies", "dependsOn: [{step: ...}]"},
    {"depends", "dependsOn, with an outcome each"},
    {"runAfter", "dependsOn: [{step: ...}]"},
    {"continueOn", "allowFailure: true"},
    {"onError", "allowFailure: true"},
    {"onExit", "finally, a list of steps"},
    {"hooks", "finally, or a step with dependsOn and an outcome"},
    {"retryStrategy", "retry, a budget for each class of failure"},
    {"retries", "retry: {user: {limit: ...}}"},
    {"activeDeadlineSeconds", "timeouts"},
    {"timeout", "timeouts"},
    {"synchronization", "locks"},
    {"mutex", "locks"},
    {"semaphore", "locks"},
    {"suspend", "a step of wait or approval; of a whole run suspend: true"},
    {"cronSchedule", "schedules"},
    {"artifacts", "inputs and outputs"},
    {"workspaces", "outputs and inputs, or volumes"},
    {"volumeClaimTemplates", "volumes, with claim"},
    {"memoize", "cache"},
};

void CheckEntries(const Json& value, const Shape& shape, const std::string& path,
                  std::vector<FieldError>* errors) {
  if (value.size() > shape.max)
    errors->push_back({path, "must have at most " + std::to_string(shape.max) + " entries"});
  std::size_t index = 0;
  for (const auto& [name, item] : value.items())
    CheckShape(item, *shape.item,
               shape.kind == Shape::kList ? ItemPath(path, index++) : ChildPath(path, name),
               errors);
}

}  // namespace

void CheckShape(const Json& value, const Shape& shape, const std::string& path,
                std::vector<FieldError>* errors) {
  if (!HasKind(value, shape.kind)) {
    std::string message = std::string("must be ") + Wanted(shape.kind) + ", is " + WhatIs(value);
    if (shape.kind == Shape::kString && (value.is_number() || value.is_boolean()))
      message += "; put it in quotes";
    errors->push_back({path, message});
    return;
  }
  if (shape.kind == Shape::kInteger && shape.max > 0 &&
      (value < Json(0) || value > Json(shape.max)))
    errors->push_back({path, "must be 0 to " + std::to_string(shape.max)});
  const bool text = value.is_string();
  if (shape.kind == Shape::kObject || shape.kind == Shape::kOpenObject)
    CheckFields(value, shape, path, errors);
  else if (shape.kind == Shape::kMap || shape.kind == Shape::kList)
    CheckEntries(value, shape, path, errors);
  else if (text && shape.kind != Shape::kAny) {
    const Format* format = shape.kind == Shape::kQuantityValue      ? &kQuantity
                           : shape.kind == Shape::kTemplateQuantity ? &kTemplateQuantity
                                                                    : nullptr;
    if (const auto problem =
            TextProblem(value.get<std::string>(), {shape.max, format, format != nullptr}))
      errors->push_back({path, *problem});
  }
}

const char* WhatIs(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "a whole number";
  if (value.is_number()) return "a number";
  return "null";
}

std::string UnknownField(const std::string& name, std::span<const std::string_view> known) {
  std::string near = DidYouMean(name, known);
  if (near.empty())
    for (const auto& [word, here] : kOthersWords)
      if (word == name) near = std::string("; here it is ") + here;
  return "unknown field" + near;
}

std::size_t CodePoints(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace penstock::api
