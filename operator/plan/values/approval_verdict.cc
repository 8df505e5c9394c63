#include "operator/plan/values/approval_verdict.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

using api::ApprovalSpec;

bool MayApprove(const api::ApprovalStep& step, const ApprovalSpec& by) {
  if (step.approvers.empty()) return true;
  return std::any_of(step.approvers.begin(), step.approvers.end(), [&](const api::Approver& a) {
    if (!a.user.empty()) return a.user == by.user;
    return std::find(by.groups.begin(), by.groups.end(), a.group) != by.groups.end();
  });
}

const api::ParameterSpec* Declared(const api::ApprovalStep& step, const std::string& name) {
  const auto it = std::find_if(step.values.begin(), step.values.end(),
                               [&](const auto& v) { return v.name == name; });
  return it == step.values.end() ? nullptr : &*it;
}

std::map<std::string, Json> Given(const api::ApprovalStep& step, const ApprovalSpec& by) {
  std::map<std::string, Json> values = DefaultsOf(step);
  for (const auto& [name, value] : by.values)
    if (!value.is_null()) values[name] = value;
  return values;
}

// What is wrong with the values of an approval; empty: nothing.
std::string WrongValues(const api::ApprovalStep& step, const ApprovalSpec& by) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : by.values) {
    const api::ParameterSpec* declared = Declared(step, name);
    if (declared == nullptr) return "the step asks for no value '" + Shown(name, 80) + "'";
    if (value.is_null()) continue;
    if (const auto wrong = CheckValue(*declared, value))
      return "the value '" + name + "': " + *wrong;
  }
  for (const auto& [name, value] : Given(step, by))
    bytes += value.dump(-1, ' ', false, Json::error_handler_t::replace).size();
  if (bytes > kMaxResultsBytes) return "its values are over 64 KiB together";
  for (const api::ParameterSpec& value : step.values) {
    const auto given = by.values.find(value.name);
    const bool absent = given == by.values.end() || given->second.is_null();
    if (absent && !value.optional && !value.default_value)
      return "it gives no value '" + value.name + "' (" + Name(value.type) + ")";
  }
  return "";
}

class Judge {
 public:
  Judge(const api::ApprovalStep& step, const std::string& name, const ApprovalSubject& subject,
        const ApprovalFacts& facts, TimePoint begun, std::optional<TimePoint> until)
      : step_(step), name_(name), subject_(subject), facts_(facts), begun_(begun), until_(until) {}

  ApprovalVerdict Verdict() {
    for (const ApprovalFact* fact : InOrder()) {
      Take(*fact);
      if (verdict_.kind != ApprovalVerdict::Kind::kWaits) break;
    }
    return std::move(verdict_);
  }

 private:
  [[nodiscard]] std::vector<const ApprovalFact*> InOrder() const {
    std::vector<const ApprovalFact*> order;
    for (const ApprovalFact& fact : facts_.made) {
      const api::Approval& a = fact.approval;
      const bool is_of_it = a.spec.step == name_ && IsOfSubject(a.spec);
      const bool late = a.spec.decision == api::Decision::kApprove && until_ && a.meta.created &&
                        *a.meta.created > *until_;
      if (is_of_it && !late && !a.meta.deleted) order.push_back(&fact);
    }
    std::sort(order.begin(), order.end(), [](const ApprovalFact* a, const ApprovalFact* b) {
      return std::tie(a->approval.meta.created, a->approval.meta.name) <
             std::tie(b->approval.meta.created, b->approval.meta.name);
    });
    return order;
  }

  [[nodiscard]] bool IsOfSubject(const ApprovalSpec& a) const {
    if (subject_.version == 0) return a.run_uid == subject_.meta.uid;
    return a.model_deployment_uid == subject_.meta.uid && a.model_version == subject_.version;
  }

  void Take(const ApprovalFact& fact) {
    const ApprovalSpec& by = fact.approval.spec;
    if (const std::string why = WhyNot(fact); !why.empty()) {
      verdict_.refused.push_back("the decision of " + Shown(by.user, 253) +
                                 " does not count: " + why);
      if (by.decision == api::Decision::kReject && MayBeNo(fact))
        verdict_.refused_no = Shown(by.user, 253);
      return;
    }
    if (by.decision == api::Decision::kReject) {
      verdict_.kind = ApprovalVerdict::Kind::kRejected;
      verdict_.by = {by.user};
      verdict_.comment = by.comment;
      return;
    }
    auto values = Given(step_, by);
    if (verdict_.by.empty()) verdict_.values = std::move(values);
    verdict_.by.push_back(by.user);
    if (facts_.policy.by_hand || static_cast<int>(verdict_.by.size()) >= step_.need)
      verdict_.kind = ApprovalVerdict::Kind::kApproved;
  }

  // False only where the API server has held who it is, and the step does not ask them.
  [[nodiscard]] bool MayBeNo(const ApprovalFact& fact) const {
    const bool held = fact.wrong.empty() && facts_.policy.why_not.empty() &&
                      fact.approval.meta.created.value_or(TimePoint{}) >= facts_.policy.since;
    return !held || MayApprove(step_, fact.approval.spec);
  }

  [[nodiscard]] std::string WhyNot(const ApprovalFact& fact) const {
    const ApprovalSpec& by = fact.approval.spec;
    if (!fact.wrong.empty()) return fact.wrong;
    if (!facts_.policy.why_not.empty()) return facts_.policy.why_not;
    const auto bound = [&](const api::ObjectMeta& meta) {
      return meta.created.value_or(TimePoint{}) >= facts_.policy.since;
    };
    if (!bound(fact.approval.meta))
      return "it was made before the policy for Approvals was in force; delete it and decide again";
    // Nobody decides of what was not to be seen yet.
    if (fact.approval.meta.created.value_or(TimePoint{}) < begun_)
      return "it was made before the step began to wait; delete it and decide again";
    const std::string& named = subject_.version == 0 ? by.run : by.model_deployment;
    if (named != subject_.meta.name)
      return (subject_.version == 0 ? "it names the run " : "it names the ModelDeployment ") +
             Shown(named, 253);
    const bool run_is_bound =
        subject_.submitted != nullptr && bound(*subject_.submitted) &&
        facts_.above_created.value_or(TimePoint::max()) >= facts_.policy.since;
    if (std::string why = facts_.policy.by_hand ? "" : WhyNotThey(fact.approval, run_is_bound);
        !why.empty())
      return why;
    if (by.decision == api::Decision::kReject) return "";
    if (std::string wrong = WrongValues(step_, by); !wrong.empty()) return wrong;
    if (!verdict_.by.empty() && Given(step_, by) != verdict_.values)
      return "it gives other values than " + verdict_.by.front() + " did";
    return "";
  }

  // Why this person may not decide, or not again.
  [[nodiscard]] std::string WhyNotThey(const api::Approval& approval, bool run_is_bound) const {
    const ApprovalSpec& by = approval.spec;
    if (!MayApprove(step_, by)) return "nobody but " + WhoMayApprove(step_) + " may decide";
    if (std::find(verdict_.by.begin(), verdict_.by.end(), by.user) != verdict_.by.end())
      return "they have approved already";
    if (step_.not_by_submitter) {
      const std::string who = Submitter();
      if (who.empty())
        return std::string("who started the run ") +
               (subject_.version == 0 ? "" : "that made the model ") +
               "is not known, and may not decide (notBySubmitter): " +
               (subject_.submitted == nullptr
                    ? "there is no such run that has the model among its outputs"
                    : "the run has no annotation ") +
               (subject_.submitted == nullptr ? "" : api::kSubmittedBy);
      if (!facts_.policy.submitters_unknown.empty())
        return "the policy for Approvals does not hold who starts runs (notBySubmitter): " +
               facts_.policy.submitters_unknown;
      if (!run_is_bound)
        return "the run was made before the policy for Approvals was in force, so that nobody "
               "knows who started it";
      if (who == by.user) return "they started the run (notBySubmitter)";
    }
    return "";
  }

  [[nodiscard]] std::string Submitter() const {
    if (subject_.submitted == nullptr) return "";
    const auto who = subject_.submitted->annotations.find(api::kSubmittedBy);
    return who == subject_.submitted->annotations.end() ? "" : who->second;
  }

  const api::ApprovalStep& step_;
  const std::string& name_;
  const ApprovalSubject& subject_;
  const ApprovalFacts& facts_;
  const TimePoint begun_;
  const std::optional<TimePoint> until_;
  ApprovalVerdict verdict_;
};

}  // namespace

ApprovalVerdict JudgeApprovals(const api::ApprovalStep& step, const std::string& step_name,
                               const ApprovalSubject& subject, const ApprovalFacts& facts,
                               TimePoint begun, std::optional<TimePoint> until) {
  return Judge(step, step_name, subject, facts, begun, until).Verdict();
}

std::string WhyNotCounted(const api::ApprovalStep& step, const api::ApprovalSpec& by,
                          const std::string& submitter) {
  if (!MayApprove(step, by)) return "nobody but " + WhoMayApprove(step) + " may decide";
  if (step.not_by_submitter && submitter == by.user)
    return "who started the run may not decide (notBySubmitter)";
  return by.decision == api::Decision::kReject ? "" : WrongValues(step, by);
}

std::map<std::string, Json> DefaultsOf(const api::ApprovalStep& step) {
  std::map<std::string, Json> values;
  for (const api::ParameterSpec& value : step.values)
    if (value.default_value && !value.default_value->is_null())
      values[value.name] = *value.default_value;
  return values;
}

std::string WhoMayApprove(const api::ApprovalStep& step) {
  if (step.approvers.empty()) return "whoever may create Approvals here";
  std::string who;
  for (const api::Approver& a : step.approvers)
    who += (who.empty() ? "" : ", ") + (a.user.empty() ? "group " + a.group : a.user);
  return Shown(who, 400);
}

std::string WhyUnbound(const ApprovalPolicy& policy, TimePoint now) {
  if (!policy.why_not.empty() || now >= policy.since) return policy.why_not;
  return "the policy has just come or changed; it is waited for until " +
         FormatTime(std::chrono::ceil<std::chrono::seconds>(policy.since));
}

std::string WhyNoConsent(const ApprovalVerdict& verdict, const std::string& unbound) {
  if (!unbound.empty()) return "onTimeout: Approve waits until decisions count";
  if (!verdict.refused_no.empty())
    return "onTimeout: Approve does not go past the rejection of " + verdict.refused_no;
  return "";
}

std::string WaitText(const api::ApprovalStep& step, const std::string& message,
                     const ApprovalVerdict& verdict, const std::string& unbound) {
  constexpr std::size_t kMostRefused = 3;  // that are told
  std::string text = message;
  if (!text.empty()) text += " - ";
  text += "waits for " +
          (step.need > 1 ? std::to_string(step.need) + " approvals by " : "an approval by ") +
          WhoMayApprove(step);
  if (step.not_by_submitter) text += ", but not by who started the run";
  for (std::size_t i = 0; i < verdict.by.size(); ++i)
    text += (i == 0 ? "; approved so far by " : ", ") + verdict.by[i];
  if (!unbound.empty()) return text + "; no decision counts: " + unbound;
  for (std::size_t i = 0; i < verdict.refused.size() && i < kMostRefused; ++i)
    text += "; " + verdict.refused[i];
  return text;
}

const char* WaitReason(const ApprovalVerdict& verdict, const std::string& unbound) {
  if (!unbound.empty()) return api::kApprovalUnbound;
  return verdict.refused.empty() ? api::kAwaitingApproval : api::kApprovalRefused;
}

}  // namespace penstock::plan
