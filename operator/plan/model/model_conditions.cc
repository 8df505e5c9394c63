#include "operator/plan/model/model_conditions.h"

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/model/model_history.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;

std::string TextOf(const api::ModelVersionStatus& v) { return VersionText(v.version, v.digest); }

class ModelConditions {
 public:
  ModelConditions(const ModelObserved& o, const Rollout& rollout, TimePoint now, ModelPlan& plan)
      : o_(o), md_(o.md), rollout_(rollout), now_(now), plan_(plan) {}

  void Put() {
    plan_.status.url = "http://" + md_.meta.name + "." + md_.meta.namespace_ + ".svc";
    const std::int64_t shown = plan_.status.stable      ? StableVersion()
                               : plan_.status.candidate ? plan_.status.candidate->version
                                                        : 0;
    const DeploymentFact* stable = o_.OfVersion(StableVersion());
    const DeploymentFact* d = o_.OfVersion(shown);
    plan_.status.replicas = d != nullptr ? d->spec_replicas : 0;
    plan_.status.selector = std::string(kLabelModelDeployment) + "=" + md_.meta.name;
    if (shown > 0)
      plan_.status.selector += std::string(",") + kLabelModelVersion + "=" + std::to_string(shown);
    ReportAvailable(stable);
    if (!o_.spec_errors.empty())
      return Conclude(false, false, true, "InvalidSpec", api::Describe(o_.spec_errors));
    if (o_.foreign_service)
      return Conclude(false, false, true, "ServiceExists",
                      "a Service " + md_.meta.name +
                          " exists that is not of this ModelDeployment; delete or rename it");
    if (!o_.target)
      return Conclude(false, true, false, "WaitingForModel",
                      o_.target_problem.empty() ? "the model is looked up" : o_.target_problem);
    if (plan_.status.candidate) return ReportCandidate();
    if (!plan_.status.stable || plan_.status.stable->digest != o_.target->digest)
      return ReportRejected();
    const bool whole = stable != nullptr && stable->IsAvailable(md_.spec.replicas);
    Conclude(whole, !whole, false, whole ? "Available" : "Progressing",
             TextOf(*plan_.status.stable) +
                 (whole ? " is served" : " is brought to what the spec says"));
  }

 private:
  [[nodiscard]] std::int64_t StableVersion() const {
    return plan_.status.stable ? plan_.status.stable->version : 0;
  }

  void Set(const char* type, ConditionStatus status, const std::string& reason,
           const std::string& message) {
    api::SetCondition(plan_.status.conditions,
                      {type, status, reason, Shown(message, 4096), md_.meta.generation, {}}, now_);
  }

  void Conclude(bool ready, bool reconciling, bool stalled, const std::string& reason,
                const std::string& message) {
    const auto is = [](bool b) { return b ? ConditionStatus::kTrue : ConditionStatus::kFalse; };
    Set("Ready", is(ready), reason, message);
    Set("Reconciling", is(reconciling), reason, reconciling ? message : "");
    Set("Stalled", is(stalled), reason, stalled ? message : "");
  }

  void ReportAvailable(const DeploymentFact* stable) {
    const bool up = stable != nullptr && (stable->available_replicas > 0 || md_.spec.replicas == 0);
    if (plan_.status.stable && up) {
      Set("Available", ConditionStatus::kTrue, "Serving",
          TextOf(*plan_.status.stable) + " is served");
    } else {
      Set("Available", ConditionStatus::kFalse, plan_.status.stable ? "NoReplica" : "NoVersion",
          plan_.status.stable ? "no replica of the version is available"
                              : "no version has become available yet");
    }
  }

  void ReportCandidate() {
    const auto& c = *plan_.status.candidate;
    Conclude(
        false, true, false, rollout_.promoting ? "Promoting" : "RollingOut",
        TextOf(c) +
            (rollout_.promoting ? " takes the traffic"
                                : ": " + std::to_string(c.ready_replicas) + " of " +
                                      std::to_string(md_.spec.replicas) + " replicas are ready") +
            (rollout_.trouble.empty() ? "" : "; " + rollout_.trouble));
  }

  void ReportRejected() {
    const api::ModelHistoryEntry* rejection = RejectionOf(plan_.status.history, o_.target->digest);
    if (rejection == nullptr)
      return Conclude(false, true, false, "Recreating", "the old version is being ended");
    std::string why = VersionText(rejection->version, rejection->digest) +
                      " was rejected and is not tried again: " + rejection->reason;
    if (plan_.status.stable) why += "; " + TextOf(*plan_.status.stable) + " goes on";
    Conclude(false, false, true, plan_.status.stable ? "RolledBack" : "Rejected", why);
  }

  const ModelObserved& o_;
  const api::ModelDeployment& md_;
  const Rollout& rollout_;
  TimePoint now_;
  ModelPlan& plan_;
};

}  // namespace

void PutStatus(const ModelObserved& observed, const Rollout& rollout, TimePoint now,
               ModelPlan& plan) {
  ModelConditions(observed, rollout, now, plan).Put();
}

}  // namespace penstock::plan
