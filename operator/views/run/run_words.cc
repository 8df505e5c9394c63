#include "operator/views/run/run_words.h"

#include "operator/base/json.h"

namespace penstock::views {

const Json& ObjectAt(const Json& parent, const char* key) {
  static const Json kEmpty = Json::object();
  const auto it = parent.find(key);
  return it != parent.end() && it->is_object() ? *it : kEmpty;
}

std::string ShownAt(const Json& parent, const char* key) {
  const auto it = parent.find(key);
  if (it == parent.end() || it->is_null()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

const Json* FindCondition(const Json& object, const std::string& type) {
  const Json& status = ObjectAt(object, "status");
  const auto list = status.find("conditions");
  if (list == status.end() || !list->is_array()) return nullptr;
  for (const Json& condition : *list) {
    if (ShownAt(condition, "type") == type) return &condition;
  }
  return nullptr;
}

std::string ConditionStatus(const Json& object, const std::string& type) {
  const Json* condition = FindCondition(object, type);
  return condition == nullptr ? "" : ShownAt(*condition, "status");
}

std::string ConditionMessage(const Json& object, const std::string& type) {
  const Json* condition = FindCondition(object, type);
  return condition == nullptr ? "" : ShownAt(*condition, "message");
}

std::string ConditionReason(const Json& object, const std::string& type) {
  const Json* condition = FindCondition(object, type);
  return condition == nullptr ? "" : ShownAt(*condition, "reason");
}

std::string ParentRun(const Json& run) {
  const Json& metadata = ObjectAt(run, "metadata");
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end() || !owners->is_array()) return "";
  for (const Json& owner : *owners)
    if (owner.value("controller", false) && ShownAt(owner, "kind") == "PipelineRun" &&
        ShownAt(owner, "apiVersion").starts_with("penstock.dev/"))
      return ShownAt(owner, "name");
  return "";
}

std::string RunWord(const Json& run) {
  const Json* succeeded = FindCondition(run, "Succeeded");
  if (ConditionStatus(run, "Finished") == "True") {
    if (succeeded == nullptr) return "Finished";
    if (ShownAt(*succeeded, "status") == "True") return "Succeeded";
    return ShownAt(*succeeded, "reason") == "Cancelled" ? "Cancelled" : "Failed";
  }
  if (ConditionStatus(run, "Stalled") == "True") return "Invalid";
  if (ObjectAt(run, "spec").value("suspend", false)) return "Suspended";
  return ObjectAt(ObjectAt(run, "status"), "summary").empty() ? "Pending" : "Running";
}

}  // namespace penstock::views
