#include "operator/local/object_rules.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_errors.h"

namespace penstock::local {
namespace {

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string NameOf(const Json& object) { return object["metadata"].value("name", ""); }

const Json& Field(const Json& object, const char* key) {
  static const Json kNull;
  const auto it = object.find(key);
  return it == object.end() ? kNull : *it;
}

const Json& ObjectField(const Json& object, const char* key) {
  static const Json kEmpty = Json::object();
  const Json& field = Field(object, key);
  return field.is_object() ? field : kEmpty;
}

// A pod's spec without the fields that may change after creation. nodeName may be set once, which
// a real server does through the binding subresource.
Json FixedPodSpec(Json spec, bool keep_node) {
  if (!spec.is_object()) return spec;
  for (const char* key : {"activeDeadlineSeconds", "tolerations", "schedulingGates",
                          "terminationGracePeriodSeconds"}) {
    spec.erase(key);
  }
  if (!keep_node) spec.erase("nodeName");
  for (const char* list : {"containers", "initContainers"}) {
    if (!spec.contains(list) || !spec[list].is_array()) continue;
    for (auto& container : spec[list]) {
      if (container.is_object()) container.erase("image");
    }
  }
  return spec;
}

bool AddsFinalizer(const Json& before, const Json& after) {
  const Json& next = Field(after["metadata"], "finalizers");
  const Json& old = Field(before["metadata"], "finalizers");
  if (!next.is_array()) return false;
  return std::any_of(next.begin(), next.end(), [&](const Json& f) {
    return !old.is_array() || std::find(old.begin(), old.end(), f) == old.end();
  });
}

// What generation counts: everything but metadata and status; of a Deployment its annotations too.
Json Counted(const kube::ResourceType& type, Json object) {
  Json annotations = type == kube::kDeployments ? Field(object["metadata"], "annotations") : Json();
  object.erase("status");
  object["metadata"] = std::move(annotations);
  return object;
}

}  // namespace

bool HasStatusSubresource(const kube::ResourceType& type) {
  if (type.group == kube::kPenstockGroup) return type.plural != "components";
  if (type.group == "apps") return type.plural != "controllerrevisions";
  return type.group.empty() &&
         IsOneOf(type.plural, {"pods", "services", "nodes", "namespaces", "persistentvolumeclaims",
                               "persistentvolumes"});
}

bool CountsGenerations(const kube::ResourceType& type) {
  if (type.group == kube::kPenstockGroup) return true;
  if (type.group == "apps") return type.plural != "controllerrevisions";
  if (type == kube::kDisruptionBudgets || type == kube::kHTTPRoutes) return true;
  return type.group.empty() && type.plural == "pods";
}

Result<void> CheckName(const kube::ResourceType& type, const std::string& name) {
  const std::size_t limit = type.plural == "namespaces" || type.plural == "services" ? 63 : 253;
  bool good = !name.empty() && name.size() <= limit;
  for (std::size_t i = 0; good && i < name.size(); ++i) {
    const unsigned char c = name[i];
    const bool alphanumeric = std::isdigit(c) || (c >= 'a' && c <= 'z');
    const bool edge = i == 0 || i + 1 == name.size() || name[i - 1] == '.' || name[i + 1] == '.';
    good = alphanumeric || (!edge && (c == '-' || c == '.'));
  }
  if (good) return {};
  return UnprocessableError(type, name,
                            "metadata.name: must be a lower-case RFC 1123 subdomain of at most " +
                                std::to_string(limit) + " characters");
}

Result<void> FillIdentity(const kube::ResourceType& type, const std::string& ns, Json& object) {
  if (!object.is_object()) return UnprocessableError(type, "", "an object is expected");
  const std::string api_version = type.group.empty()
                                      ? std::string(type.version)
                                      : std::string(type.group) + "/" + std::string(type.version);
  if (object.value("apiVersion", api_version) != api_version ||
      object.value("kind", std::string(type.kind)) != type.kind) {
    return Invalid("the object's apiVersion and kind are not those of " + api_version + " " +
                   std::string(type.kind));
  }
  object["apiVersion"] = api_version;
  object["kind"] = type.kind;
  Json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  metadata.erase("managedFields");
  if (!type.namespaced) {
    metadata.erase("namespace");
    return {};
  }
  if (ns.empty()) return Invalid(std::string(type.kind) + " needs a namespace");
  if (metadata.value("namespace", ns) != ns) {
    return Invalid("the namespace of the object (" + metadata.value("namespace", "") +
                   ") is not that of the request (" + ns + ")");
  }
  metadata["namespace"] = ns;
  return {};
}

Result<void> CheckUpdate(const kube::ResourceType& type, const Json& before, const Json& after) {
  const std::string name = NameOf(before);
  if (before["metadata"].contains("deletionTimestamp") && AddsFinalizer(before, after)) {
    return UnprocessableError(
        type, name,
        "metadata.finalizers: no new finalizers can be added if the object is "
        "being deleted");
  }
  if (type == kube::kConfigMaps && before.value("immutable", false)) {
    for (const char* key : {"data", "binaryData", "immutable"}) {
      if (Field(before, key) != Field(after, key)) {
        return UnprocessableError(type, name, std::string(key) + ": field is immutable");
      }
    }
  }
  if (type == kube::kControllerRevisions && Field(before, "data") != Field(after, "data")) {
    return UnprocessableError(type, name, "data: field is immutable");
  }
  if (type == kube::kPods) {
    const bool bound = !ObjectField(before, "spec").value("nodeName", "").empty();
    if (FixedPodSpec(Field(before, "spec"), bound) != FixedPodSpec(Field(after, "spec"), bound)) {
      return UnprocessableError(type, name, "spec: pod updates may not change this field");
    }
  }
  return {};
}

void DropEmptyMetadata(Json& metadata) {
  for (const char* key : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    if (metadata.contains(key) && (metadata[key].is_null() || metadata[key].empty())) {
      metadata.erase(key);
    }
  }
}

Json PrepareUpdate(const kube::ResourceType& type, const Json& before, Json next,
                   const std::string& subresource) {
  if (subresource == "status") {
    Json out = before;
    out.erase("status");
    if (next.contains("status")) out["status"] = std::move(next["status"]);
    return out;
  }
  if (HasStatusSubresource(type)) {
    next.erase("status");
    if (before.contains("status")) next["status"] = before["status"];
  }
  const Json& old = before["metadata"];
  Json& metadata = next["metadata"];
  for (const char* key :
       {"name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp",
        "deletionGracePeriodSeconds", "generateName", "resourceVersion"}) {
    metadata.erase(key);
    if (old.contains(key)) metadata[key] = old[key];
  }
  DropEmptyMetadata(metadata);
  if (CountsGenerations(type) && Counted(type, before) != Counted(type, next)) {
    metadata["generation"] = old.value("generation", 0) + 1;
  }
  return next;
}

int GraceSeconds(const kube::ResourceType& type, const Json& object, std::optional<int> asked) {
  if (!(type == kube::kPods)) return 0;
  const Json& spec = ObjectField(object, "spec");
  const std::string phase = ObjectField(object, "status").value("phase", "");
  if (spec.value("nodeName", "").empty() || phase == "Succeeded" || phase == "Failed") return 0;
  return std::max(0, asked ? *asked : spec.value("terminationGracePeriodSeconds", 30));
}

Result<void> CheckFieldSelector(const kube::ResourceType& type, const std::string& field) {
  if (field == "metadata.name" || field == "metadata.namespace") return {};
  if (type == kube::kPods &&
      IsOneOf(field, {"spec.nodeName", "status.phase", "spec.restartPolicy", "spec.schedulerName",
                      "spec.serviceAccountName", "status.podIP"})) {
    return {};
  }
  if (type == kube::kEvents &&
      IsOneOf(field, {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
                      "reason", "type"})) {
    return {};
  }
  return BadRequest("field label not supported: " + field);
}

Json Ownable(const kube::ResourceType& type, Json object, const std::string& subresource) {
  if (subresource == "status") {
    Json out = Json::object();
    if (object.contains("status")) out["status"] = std::move(object["status"]);
    return out;
  }
  for (const char* key : {"apiVersion", "kind"}) object.erase(key);
  if (HasStatusSubresource(type)) object.erase("status");
  Json& metadata = object["metadata"];
  for (const char* key :
       {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
        "generateName", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"}) {
    metadata.erase(key);
  }
  return object;
}

}  // namespace penstock::local
