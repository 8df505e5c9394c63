#include "operator/views/run/run_words.h"

#include "operator/base/json.h"

namespace penstock::views {
namespace {

const Json& Object(const Json& parent, const char* key) {
  static const Json kEmpty = Json::object();
  const auto it = parent.find(key);
  return it != parent.end() && it->is_object() ? *it : kEmpty;
}

std::string Text(const Json& parent, const char* key) {
  const auto it = parent.find(key);
  if (it == parent.end() || it->is_null()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

const Json* Condition(const Json& object, const std::string& type) {
  const Json& status = Object(object, "status");
  const auto list = status.find("conditions");
  if (list == status.end() || !list->is_array()) return nullptr;
  for (const Json& condition : *list) {
    if (Text(condition, "type") == type) return &condition;
  }
  return nullptr;
}

}  // namespace

std::string ConditionStatus(const Json& object, const std::string& type) {
  const Json* condition = Condition(object, type);
  return condition == nullptr ? "" : Text(*condition, "status");
}

std::string ConditionMessage(const Json& object, const std::string& type) {
  const Json* condition = Condition(object, type);
  return condition == nullptr ? "" : Text(*condition, "message");
}

std::string ConditionReason(const Json& object, const std::string& type) {
  const Json* condition = Condition(object, type);
  return condition == nullptr ? "" : Text(*condition, "reason");
}

std::string ParentRun(const Json& run) {
  const Json& metadata = Object(run, "metadata");
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end() || !owners->is_array()) return "";
  for (const Json& owner : *owners)
    if (owner.value("controller", false) && Text(owner, "kind") == "PipelineRun" &&
        Text(owner, "apiVersion").starts_with("penstock.dev/"))
      return Text(owner, "name");
  return "";
}

std::string RunWord(const Json& run) {
  const Json* succeeded = Condition(run, "Succeeded");
  if (ConditionStatus(run, "Finished") == "True") {
    if (succeeded == nullptr) return "Finished";
    if (Text(*succeeded, "status") == "True") return "Succeeded";
    return Text(*succeeded, "reason") == "Cancelled" ? "Cancelled" : "Failed";
  }
  if (ConditionStatus(run, "Stalled") == "True") return "Invalid";
  if (Object(run, "spec").value("suspend", false)) return "Suspended";
  return Object(Object(run, "status"), "summary").empty() ? "Pending" : "Running";
}

}  // namespace penstock::views
