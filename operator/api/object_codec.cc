#include "operator/api/object_codec.h"

#include <algorithm>

#include "operator/api/fields.h"
#include "operator/base/json_member.h"

namespace penstock::api {
namespace {

std::int64_t NumberAt(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && IsInt64(*it) ? it->get<std::int64_t>() : 0;
}

std::optional<TimePoint> TimeAt(const Json& object, const char* name) {
  const std::string text = TextAt(object, name);
  if (text.empty()) return std::nullopt;
  const auto t = ParseTime(text);
  return t ? std::optional<TimePoint>(*t) : std::nullopt;
}

std::map<std::string, std::string> MapAt(const Json& object, const char* name) {
  std::map<std::string, std::string> out;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_object()) return out;
  for (const auto& [key, value] : it->items())
    if (value.is_string()) out[key] = value.get<std::string>();
  return out;
}

OwnerReference OwnerOf(const Json& o) {
  OwnerReference out{TextAt(o, "apiVersion"), TextAt(o, "kind"), TextAt(o, "name"),
                     TextAt(o, "uid")};
  const auto controller = o.find("controller");
  out.controller = controller != o.end() && controller->is_boolean() && controller->get<bool>();
  return out;
}

void CheckLabels(const Json& metadata, const char* field, std::vector<FieldError>* errors) {
  const auto it = metadata.find(field);
  if (it == metadata.end() || it->is_null()) return;
  const std::string path = ChildPath("metadata", field);
  if (!it->is_object()) {
    errors->push_back({path, std::string("must be an object, is ") + WhatIs(*it)});
    return;
  }
  static constexpr Shape kText{Shape::kString, 262144};
  for (const auto& [key, value] : it->items())
    CheckShape(value, kText, ChildPath(path, key), errors);
}

void CheckName(const Json& metadata, Text limits, std::vector<FieldError>* errors) {
  const auto name = metadata.find("name");
  if (name == metadata.end() || name->is_null()) {
    if (TextAt(metadata, "generateName").empty())
      errors->push_back({"metadata.name", "is required (or generateName)"});
    return;
  }
  if (!name->is_string())
    errors->push_back({"metadata.name", std::string("must be a string, is ") + WhatIs(*name)});
  else if (const auto problem = TextProblem(name->get<std::string>(), limits))
    errors->push_back({"metadata.name", *problem});
}

}  // namespace

void CheckEnvelope(const Json& object, const char* kind, Text name_limits,
                   std::vector<FieldError>* errors) {
  if (!object.is_object()) {
    errors->push_back({"", std::string("must be an object, is ") + WhatIs(object)});
    return;
  }
  constexpr std::string_view kKnown[] = {"apiVersion", "kind", "metadata", "spec", "status"};
  for (const auto& [name, value] : object.items())
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
      errors->push_back({name, UnknownField(name, kKnown)});
  if (object.contains("apiVersion") && TextAt(object, "apiVersion") != kApiVersion)
    errors->push_back({"apiVersion", std::string("must be ") + kApiVersion});
  if (object.contains("kind") && TextAt(object, "kind") != kind)
    errors->push_back({"kind", std::string("must be ") + kind});
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    errors->push_back({"metadata", "is required, with a name"});
    return;
  }
  CheckName(*metadata, name_limits, errors);
  CheckLabels(*metadata, "labels", errors);
  CheckLabels(*metadata, "annotations", errors);
}

ObjectMeta DecodeMeta(const Json& object) {
  ObjectMeta m;
  if (!object.is_object()) return m;
  const auto it = object.find("metadata");
  if (it == object.end() || !it->is_object()) return m;
  m.name = TextAt(*it, "name");
  m.generate_name = TextAt(*it, "generateName");
  m.namespace_ = TextAt(*it, "namespace");
  m.uid = TextAt(*it, "uid");
  m.resource_version = TextAt(*it, "resourceVersion");
  m.generation = NumberAt(*it, "generation");
  m.labels = MapAt(*it, "labels");
  m.annotations = MapAt(*it, "annotations");
  m.created = TimeAt(*it, "creationTimestamp");
  m.deleted = TimeAt(*it, "deletionTimestamp");
  if (const auto owners = it->find("ownerReferences"); owners != it->end() && owners->is_array())
    for (const auto& o : *owners)
      if (o.is_object()) m.owners.push_back(OwnerOf(o));
  if (const auto fins = it->find("finalizers"); fins != it->end() && fins->is_array())
    for (const auto& f : *fins)
      if (f.is_string()) m.finalizers.push_back(f.get<std::string>());
  return m;
}

Json Encode(const OwnerReference& o) {
  Json out = {{"apiVersion", o.api_version}, {"kind", o.kind}, {"name", o.name}, {"uid", o.uid}};
  if (o.controller) {
    out["controller"] = true;
    out["blockOwnerDeletion"] = true;
  }
  return out;
}

Json EncodeEnvelope(const ObjectMeta& meta, const char* kind) {
  Json m = Json::object();
  const auto text = [&](const char* name, const std::string& v) {
    if (!v.empty()) m[name] = v;
  };
  text("name", meta.name);
  text("generateName", meta.generate_name);
  text("namespace", meta.namespace_);
  text("uid", meta.uid);
  text("resourceVersion", meta.resource_version);
  if (meta.generation != 0) m["generation"] = meta.generation;
  if (!meta.labels.empty()) m["labels"] = meta.labels;
  if (!meta.annotations.empty()) m["annotations"] = meta.annotations;
  for (const auto& o : meta.owners) m["ownerReferences"].push_back(Encode(o));
  if (!meta.finalizers.empty()) m["finalizers"] = meta.finalizers;
  if (meta.created) m["creationTimestamp"] = FormatTime(*meta.created);
  if (meta.deleted) m["deletionTimestamp"] = FormatTime(*meta.deleted);
  return {{"apiVersion", kApiVersion}, {"kind", kind}, {"metadata", std::move(m)}};
}

std::vector<Condition> DecodeConditions(const Json& list) {
  std::vector<Condition> out;
  std::vector<FieldError> ignored;
  if (!list.is_array()) return out;
  for (const auto& item : list) {
    Reader reader(item, "", &ignored, /*strict=*/false);
    Condition c;
    Fields(reader, c);
    if (!c.type.empty()) out.push_back(std::move(c));
  }
  return out;
}

Json Encode(const std::vector<Condition>& c) {
  Json out = Json::array();
  for (const auto& condition : c) out.push_back(EncodeFields(condition, true));
  return out;
}

}  // namespace penstock::api
