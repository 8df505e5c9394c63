#include "operator/views/run/decision.h"

#include "operator/base/sha256.h"

namespace penstock::views {

std::string WhyNotToBeDecided(const Json& run, const std::string& name) {
  const std::string what = "run " + run["metadata"].value("name", "");
  std::string waiting;
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    const std::string reason = step.value("reason", "");
    const std::string its = step.value("name", "");
    const bool waits = reason == api::kAwaitingApproval || reason == api::kApprovalRefused ||
                       reason == api::kApprovalUnbound;
    if (waits) waiting += (waiting.empty() ? "" : ", ") + its;
    if (its != name) continue;
    if (waits) return "";
    return what + ": step " + name + " waits for no approval: it is " + step.value("phase", "") +
           (reason.empty() ? "" : " (" + reason + ")");
  }
  return what + " has no step " + name + " that waits for an approval; " +
         (waiting.empty() ? "none does" : "there is " + waiting);
}

api::Approval DecisionOf(const Json& run, const std::string& step, api::Decision decision,
                         const std::string& user, const std::vector<std::string>& groups) {
  const Json& meta = run["metadata"];
  api::Approval approval;
  approval.spec.run = meta.value("name", "");
  approval.spec.run_uid = meta.value("uid", "");
  // One a person: a second one meets the first.
  approval.meta.name = approval.spec.run + "-" + step + "-" +
                       Sha256Hex(approval.spec.run_uid + "/" + user).substr(0, 8);
  approval.meta.namespace_ = meta.value("namespace", "");
  approval.meta.owners = {{api::kApiVersion, "PipelineRun", approval.spec.run,
                           approval.spec.run_uid, /*controller=*/false}};
  approval.spec.step = step;
  approval.spec.decision = decision;
  approval.spec.user = user;
  approval.spec.groups = groups;
  return approval;
}

const api::RolloutApproval* AskedOfPeople(const api::ModelDeployment& md) {
  if (!md.status.candidate) return nullptr;
  const auto& steps = md.spec.rollout.steps;
  const int step = md.status.candidate->step;
  if (step < 1 || static_cast<std::size_t>(step) > steps.size()) return nullptr;
  const auto& approval = steps[static_cast<std::size_t>(step) - 1].approval;
  return approval ? &*approval : nullptr;
}

std::string WhyNotToBeDecided(const api::ModelDeployment& md) {
  const std::string what = "modeldeployment " + md.meta.name;
  if (!md.status.candidate) return what + " has no candidate: nothing waits for people";
  const api::ModelVersionStatus& c = *md.status.candidate;
  if (AskedOfPeople(md) != nullptr && c.phase == api::kPhasePaused) return "";
  return what + ": version " + std::to_string(c.version) + " waits for no approval: it is " +
         (c.phase.empty() ? "new" : c.phase) +
         (c.step > 0 ? ", step " + std::to_string(c.step) : "");
}

api::Approval RolloutDecisionOf(const api::ObjectMeta& md, std::int64_t version, int number,
                                api::Decision decision, const std::string& user,
                                const std::vector<std::string>& groups) {
  api::Approval approval;
  const std::string step = std::to_string(number);
  approval.spec.model_deployment = md.name;
  approval.spec.model_deployment_uid = md.uid;
  approval.spec.model_version = version;
  approval.meta.name = md.name + "-v" + std::to_string(version) + "-" + step + "-" +
                       Sha256Hex(md.uid + "/" + user).substr(0, 8);
  approval.meta.namespace_ = md.namespace_;
  approval.meta.owners = {
      {api::kApiVersion, "ModelDeployment", md.name, md.uid, /*controller=*/false}};
  approval.spec.step = step;
  approval.spec.decision = decision;
  approval.spec.user = user;
  approval.spec.groups = groups;
  return approval;
}

}  // namespace penstock::views
