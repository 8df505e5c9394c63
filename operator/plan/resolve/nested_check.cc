// Steps that have no pod of their own. Of one that is a Pipeline, what would be said of a pod
// belongs to the steps within it; one that people decide, or that waits for a time, has none. And
// what may stand in for a step that has failed.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "operator/api/codec.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

constexpr std::array kItsOwn{"name",     "description", "pipeline",  "when",         "forEach",
                             "inputs",   "parameters",  "dependsOn", "allowFailure", "retry",
                             "timeouts", "locks",       "onFailure"};

std::string Instead(const std::string& field, bool by_name) {
  if (field == "outputs" || field == "results")
    return by_name ? "is the Pipeline's own; remove it"
                   : "stands in the pipeline: pipeline." + field;
  if (field == "cache")
    return "is for the steps within the Pipeline, which are cached each; move it";
  return "is for a pod, and a step with a pipeline has none; put it into the Pipeline's steps" +
         std::string(by_name ? "" : ", or into defaults");
}

constexpr std::array kOfAGate{"name", "description", "approval",    "wait",
                              "when", "dependsOn",   "allowFailure"};

std::string WhyNot(const std::string& field) {
  if (field == "forEach")
    return "a step that waits cannot be looped: its items could not be told apart by who decides";
  if (field == "locks") return "a step that waits takes no lock, which others could use meanwhile";
  if (field == "onFailure")
    return "what people decide, and a time that has passed, are of one run; remove it";
  if (field == "results") return "the results of an approval are its values; remove them";
  return "is for a pod, and a step that waits has none; remove it";
}

void CheckApprovers(const api::ApprovalStep& approval, const std::string& path, Findings& out) {
  std::set<std::pair<std::string, std::string>> seen;
  bool groups = approval.approvers.empty(), wrong = false;
  for (std::size_t i = 0; i < approval.approvers.size(); ++i) {
    const api::Approver& a = approval.approvers[i];
    const std::string at = api::ItemPath(path + ".approvers", i);
    groups = groups || !a.group.empty();
    const bool neither = a.user.empty() == a.group.empty();
    wrong = wrong || neither;
    if (neither)
      out.Add(at, "an approver is either a user or a group");
    else if (!seen.insert({a.user, a.group}).second)
      out.Add(at, "'" + a.user + a.group + "' stands there twice");
  }
  if (!groups && !wrong && approval.need > static_cast<int>(seen.size()))
    out.Add(path + ".need", std::to_string(approval.need) + " must approve, and only " +
                                std::to_string(seen.size()) + " may: nobody else ever can");
}

void CheckValues(const api::ApprovalStep& approval, const std::string& path, Findings& out) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < approval.values.size(); ++i) {
    const api::ParameterSpec& value = approval.values[i];
    const std::string at = api::ItemPath(path + ".values", i);
    if (!IsIdentifier(value.name))
      out.Add(at + ".name", "'" + value.name.substr(0, 80) +
                                "' is no name: a letter, then letters, digits, '_' and '-', at "
                                "most 40");
    else if (!names.insert(value.name).second)
      out.Add(at + ".name", "'" + value.name + "' stands there twice");
    if (auto wrong = CheckDeclaration(value)) out.Add(at + wrong->field, wrong->message);
    if (!value.value_from.is_null())
      out.Add(at + ".valueFrom", "is for a Pipeline's parameters; people give this value");
    if (approval.on_timeout == api::ApprovalTimeout::kApprove && !value.default_value &&
        !value.optional)
      out.Add(at,
              "needs a default: after the timeout the step is approved (onTimeout: Approve), "
              "and nobody has given it");
  }
  std::size_t bytes = 0;
  for (const api::ParameterSpec& value : approval.values)
    if (value.default_value)
      bytes += value.default_value->dump(-1, ' ', false, Json::error_handler_t::replace).size();
  if (bytes > kMaxResultsBytes)
    out.Add(path + ".values",
            "their defaults are over 64 KiB together; the results of a step are "
            "at most that");
}

void CheckApproval(const CheckContext& c, const api::ApprovalStep& approval,
                   const std::string& path) {
  CheckApprovers(approval, path, c.out);
  if (approval.need < 1) c.out.Add(path + ".need", "must be above 0");
  if (approval.timeout && approval.timeout->count() <= 0)
    c.out.Add(path + ".timeout", "must be above 0");
  if (approval.on_timeout != api::ApprovalTimeout::kFail && !approval.timeout)
    c.out.Add(path + ".onTimeout", "says what becomes of the step after timeout: add one");
  CheckValues(approval, path, c.out);
  std::vector<FoundReference> found;
  CollectReferences(approval.message, path + ".message", found, c.out.errors);
  for (const FoundReference& f : found) CheckValueReference(c, nullptr, f, path + ".message");
  if (path.starts_with("spec.finally["))
    c.out.Add(path,
              "an approval cannot stand in finally: a run that is cancelled or late would "
              "wait for people");
}

bool GivesNothing(const api::StepSpec& step, const StepComponents& components) {
  const StepInterface gives = InterfaceOf(step, components);
  return gives.outputs != nullptr && gives.outputs->empty() && gives.results->empty();
}

// A run within another belongs to that one: it has none before it.
void CheckWithin(const api::NestedPipeline& nested, const std::string& path, Findings& out) {
  for (std::size_t i = 0; i < nested.steps.size(); ++i)
    if (nested.steps[i].on_failure)
      out.Add(api::ItemPath(path + ".pipeline.steps", i) + ".onFailure",
              "a run within another one has no earlier run; say onFailure of the step that is the "
              "Pipeline");
}

}  // namespace

void CheckOnFailure(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  if (step.pipeline) CheckWithin(*step.pipeline, path, c.out);
  if (!step.on_failure || IsGate(step)) return;
  const std::string at = path + ".onFailure";
  if (step.on_failure->max_age && step.on_failure->max_age->count() <= 0)
    c.out.Add(at + ".maxAge", "must be above 0");
  if (step.daemon)
    c.out.Add(at, "a daemon serves while it runs, and nothing stands in for that; remove it");
  else if (GivesNothing(step, c.components))
    c.out.Add(at,
              "the step has no outputs and no results that could stand in for it; allowFailure "
              "lets it fail");
}

void CheckNested(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::NestedPipeline& nested = *step.pipeline;
  const bool by_name = !nested.name.empty();
  if (by_name && !nested.steps.empty())
    c.out.Add(path + ".pipeline", "a pipeline has exactly one of name and steps");
  if (by_name && !IsDnsLabel(nested.name, 52))
    c.out.Add(path + ".pipeline.name",
              "'" + nested.name.substr(0, 80) +
                  "' is no name of a Pipeline: lower-case letters, digits and '-', a letter or "
                  "digit at both ends, at most 52");
  const Json written = api::Encode(step);
  for (const auto& [field, value] : written.items())
    if (std::none_of(kItsOwn.begin(), kItsOwn.end(),
                     [&, &f = field](auto own) { return f == own; }))
      c.out.Add(path + "." + field, Instead(field, by_name));
}

void CheckGate(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  if (step.approval) CheckApproval(c, *step.approval, path + ".approval");
  if (step.wait && (!step.wait->duration || step.wait->duration->count() <= 0))
    c.out.Add(path + ".wait.duration",
              step.wait->duration ? "must be above 0" : "is required, such as 10m");
  const Json written = api::Encode(step);
  for (const auto& [field, value] : written.items())
    if (std::none_of(kOfAGate.begin(), kOfAGate.end(),
                     [&, &f = field](auto own) { return f == own; }))
      c.out.Add(path + "." + field, WhyNot(field));
}

api::ComponentSpec GateInterface(const api::StepSpec& step) {
  api::ComponentSpec interface;
  interface.name = step.name;
  if (!step.approval) return interface;
  for (const api::ParameterSpec& value : step.approval->values) {
    api::ResultSpec result;
    result.name = value.name;
    result.type = value.type;
    result.minimum = value.minimum;
    result.maximum = value.maximum;
    result.max_length = value.max_length;
    result.pattern = value.pattern;
    result.enum_values = value.enum_values;
    result.items = value.items;
    result.min_items = value.min_items;
    result.max_items = value.max_items;
    result.properties = value.properties;
    result.required = value.required;
    result.additional_properties = value.additional_properties;
    interface.results.push_back(std::move(result));
  }
  return interface;
}

}  // namespace penstock::plan
