#include "operator/gates/approval_policy.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::gates {
namespace {

// API servers read their policies a moment after these were made.
constexpr std::chrono::seconds kSettle{10};

bool HasWord(const Json& object, const char* list, const std::string& word) {
  const auto it = object.find(list);
  return it != object.end() && it->is_array() &&
         std::find(it->begin(), it->end(), word) != it->end();
}

// Whether it looks at every object of the resource when that is done to it.
bool Takes(const Json& spec, const char* resource, const char* operation) {
  const Json constraints = spec.value("matchConstraints", Json::object());
  for (const Json& rule : constraints.value("resourceRules", Json::array())) {
    const std::string scope = rule.value("scope", "*");
    if (HasWord(rule, "resources", resource) && HasWord(rule, "operations", operation) &&
        HasWord(rule, "apiGroups", std::string(kube::kPenstockGroup)) &&
        rule.value("resourceNames", Json::array()).empty() &&
        (scope == "*" || scope == "Namespaced"))
      return true;
  }
  return false;
}

// Why it does not hold who started a run; empty: it does.
std::string GapOfSubmitters(const Json& spec) {
  for (const char* resource : {"pipelines", "pipelineruns"})
    for (const char* operation : {"CREATE", "UPDATE"})
      if (!Takes(spec, resource, operation))
        return std::string("it does not look at ") + resource + " (" + operation + ")";
  return "";
}

// Why a spec of a policy lets something by; empty: it does not.
std::string Gap(const Json& spec) {
  if (spec.value("failurePolicy", "Fail") != "Fail") return "its failurePolicy is not Fail";
  if (!spec.value("matchConditions", Json::array()).empty())
    return "it has conditions (matchConditions)";
  if (!Takes(spec, "approvals", "CREATE"))
    return "it does not look at Approvals when they are made";
  if (spec.value("validations", Json::array()).empty()) return "it has no validations";
  const Json constraints = spec.value("matchConstraints", Json::object());
  for (const char* narrower : {"namespaceSelector", "objectSelector", "excludeResourceRules"})
    if (const auto it = constraints.find(narrower); it != constraints.end() && !it->empty())
      return std::string("its matchConstraints leave some out (") + narrower + ")";
  return "";
}

std::string GapOfBinding(const Json& spec, const std::string& policy) {
  if (spec.value("policyName", "") != policy) return "is of another policy";
  if (!HasWord(spec, "validationActions", "Deny")) return "does not deny (validationActions)";
  if (const auto it = spec.find("matchResources"); it != spec.end() && !it->empty())
    return "leaves some out (matchResources)";
  return "";
}

// When it was made or changed last, as its managed fields tell.
TimePoint ChangedAt(const Json& object) {
  TimePoint last = api::DecodeMeta(object).created.value_or(TimePoint{});
  const Json metadata = object.value("metadata", Json::object());
  for (const Json& field : metadata.value("managedFields", Json::array())) {
    if (!field.value("subresource", "").empty()) continue;
    if (const auto time = ParseTime(field.value("time", "")); time) last = std::max(last, *time);
  }
  return last;
}

}  // namespace

plan::ApprovalPolicy ReadApprovalPolicy(const std::string& name, const Json& policy,
                                        const Json& binding) {
  plan::ApprovalPolicy answer;
  const Json none = Json::object();
  const std::string gap = Gap(policy.value("spec", none));
  if (!gap.empty()) {
    answer.why_not = "the ValidatingAdmissionPolicy " + name + " is not the chart's: " + gap;
    return answer;
  }
  const std::string of_binding = GapOfBinding(binding.value("spec", none), name);
  if (!of_binding.empty()) {
    answer.why_not = "the ValidatingAdmissionPolicyBinding " + name + " " + of_binding;
    return answer;
  }
  answer.why_not.clear();
  answer.submitters_unknown = GapOfSubmitters(policy.value("spec", none));
  answer.since = std::max(ChangedAt(policy), ChangedAt(binding)) + kSettle;
  return answer;
}

namespace {

plan::ApprovalPolicy AskFor(kube::Client& client, const std::string& name,
                            const std::stop_token& stop) {
  plan::ApprovalPolicy answer;
  if (name.empty()) {
    answer.why_not = "the operator was told of no policy (--approval-policy)";
    return answer;
  }
  const kube::Call call{.stop = stop};
  const auto policy = client.Get(kube::kAdmissionPolicies, "", name, call);
  const auto binding = policy ? client.Get(kube::kAdmissionPolicyBindings, "", name, call) : policy;
  if (policy && binding) return ReadApprovalPolicy(name, *policy, *binding);
  const Error& why = binding.error();
  answer.why_not =
      why.kind == ErrorKind::kNotFound
          ? std::string("there is no ValidatingAdmissionPolicy") + (policy ? "Binding " : " ") +
                name + "; install it with the chart"
          : "whether the policy " + name + " is in force could not be asked: " + why.message;
  return answer;
}

}  // namespace

plan::ApprovalPolicy ApprovalPolicyCheck::Ask(
    const Asker& asker, const std::string& key,
    const std::function<void(const std::string& key)>& wake) {
  if (asker.name.empty()) return AskFor(asker.client, asker.name, asker.stop);
  const auto now = asker.clock.Steady();
  bool ask = false;
  plan::ApprovalPolicy answer;
  {
    const std::lock_guard lock(mutex_);
    const bool old = !asked_ || now - *asked_ >= kOld;
    ask = old && !asking_;
    asking_ = asking_ || old;
    if (asked_ && now - *asked_ < 2 * kOld) answer = answer_;
    if (old || !answer.why_not.empty()) waiting_.insert_or_assign(key, wake);
  }
  if (ask)
    asker.submit(
        [this, &client = asker.client, &clock = asker.clock, name = asker.name, stop = asker.stop] {
          const auto asked = clock.Steady();
          Take(AskFor(client, name, stop), asked);
        });
  return answer;
}

void ApprovalPolicyCheck::AskNow(const Asker& asker) {
  const auto asked = asker.clock.Steady();
  Take(AskFor(asker.client, asker.name, asker.stop), asked);
}

void ApprovalPolicyCheck::Take(const plan::ApprovalPolicy& answer, SteadyTime asked) {
  std::map<std::string, std::function<void(const std::string&)>> woken;
  {
    const std::lock_guard lock(mutex_);
    const bool other = !asked_ || answer != answer_ || asked - *asked_ >= 2 * kOld;
    asking_ = false;
    asked_ = asked;
    answer_ = answer;
    woken.swap(waiting_);  // others ask again by themselves
    if (!other) return;
  }
  for (const auto& [key, wake] : woken) wake(key);
}

}  // namespace penstock::gates
