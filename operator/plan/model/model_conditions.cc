#include "operator/plan/model/model_conditions.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_scaling.h"
#include "operator/plan/model/model_trouble.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;

std::string TextOf(const api::ModelVersionStatus& v) { return VersionText(v.version, v.digest); }

class ModelConditions {
 public:
  ModelConditions(const ModelObserved& o, const Rollout& rollout, TimePoint now, ModelPlan& plan)
      : o_(o), md_(o.md), rollout_(rollout), now_(now), plan_(plan) {}

  void Put() {
    if (!o_.seen) {
      if (!o_.refusals.empty()) ReportRefusals();
      return;
    }
    plan_.status.url = (md_.spec.expose.tls ? "https://" : "http://") + md_.meta.name + "." +
                       md_.meta.namespace_ + ".svc";
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
    if (o_.spec_errors.empty()) {
      PutExposed(o_, now_, plan_);
      PutBudgetUnread(o_, now_, plan_);
    }
    if (!o_.spec_errors.empty())
      return Conclude(false, false, true, "InvalidSpec", api::Describe(o_.spec_errors));
    if (o_.foreign_service)
      return Conclude(false, false, true, "ServiceExists",
                      "a Service " + md_.meta.name +
                          " exists that is not of this ModelDeployment; delete or rename it");
    if (!o_.refusals.empty()) return ReportRefusals();
    if (!o_.target && !plan_.status.candidate)
      return Conclude(false, true, false, "WaitingForModel",
                      o_.target_problem.empty() ? "the model is looked up" : o_.target_problem);
    if (plan_.status.candidate) return ReportCandidate();
    if (!plan_.status.stable || plan_.status.stable->digest != o_.target->digest)
      return ReportRejected();
    ReportStable(stable);
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
    Set("Ready", is(ready), reason,
        rollout_.note.empty() ? message : message + "; " + rollout_.note);
    Set("Reconciling", is(reconciling), reason, reconciling ? message : "");
    Set("Stalled", is(stalled), reason, stalled ? message : "");
  }

  void ReportAvailable(const DeploymentFact* stable) {
    const auto is_not = [&](const char* reason, const std::string& message) {
      Set("Available", ConditionStatus::kFalse, reason, message);
    };
    if (!plan_.status.stable) return is_not("NoVersion", "no version has become available yet");
    if (!o_.service)
      return is_not("NoService", o_.foreign_service ? "the Service is not of this ModelDeployment"
                                                    : "the Service was deleted; it is made again");
    const bool idle = IsIdle(md_.spec);
    if (!idle && (stable == nullptr || (stable->available_replicas == 0 && md_.spec.replicas > 0)))
      return is_not("NoReplica", "no replica of the version is available");
    // A router refuses everybody: a renewal that went wrong leaves the one before in use.
    const bool shut = std::any_of(o_.routers.begin(), o_.routers.end(), [&](const RouterFact& r) {
      return r.ready && ((md_.spec.expose.tls && !r.certificate.in_use) ||
                         (md_.spec.expose.jwt && !r.keys.in_use));
    });
    if (const Trouble guard = TroubleOfGuard(o_); guard.reason == "NoRouter" || shut)
      return is_not(guard.reason.c_str(), guard.message);
    if (idle) return Set("Available", ConditionStatus::kTrue, "Idle", IdleText());
    Set("Available", ConditionStatus::kTrue, "Serving",
        TextOf(*plan_.status.stable) + " is served");
  }

  [[nodiscard]] std::string IdleText() const {
    return TextOf(*plan_.status.stable) +
           " has no servers, as nobody asks; a request waits in a router until one is back";
  }

  // Beside the conditions, once: a reason that was told already is no new event.
  void Warn(const Trouble& trouble, const std::string& text) {
    const auto* ready = api::FindCondition(md_.status.conditions, "Ready");
    if (ready == nullptr || ready->reason != trouble.reason)
      plan_.events.push_back({"Warning", trouble.reason, text});
  }

  [[nodiscard]] std::string Deadline() const {
    return "progressDeadline (" + FormatDuration(md_.spec.rollout.progress_deadline) + ")";
  }

  // All of them; the reason is the first one's.
  void ReportRefusals() {
    const Trouble first = TroubleOf(o_.refusals.front());
    std::string message;
    bool stalled = false;
    for (const Refusal& refusal : o_.refusals) {
      const Trouble trouble = TroubleOf(refusal);
      message += (message.empty() ? "" : "; ") + trouble.message;
      stalled |= trouble.lasting || refusal.since >= md_.spec.rollout.progress_deadline;
    }
    // Once told it stays, though a new operator counts from its own start.
    const auto* told = api::FindCondition(md_.status.conditions, "Stalled");
    stalled |= told != nullptr && told->status == ConditionStatus::kTrue &&
               told->reason == first.reason && told->observed_generation == md_.meta.generation;
    Conclude(false, !stalled, stalled, first.reason, message + "; it is tried again");
    Warn(first, message);
  }

  // What keeps a version from being ready: waiting, or stalled when it has taken too long. It goes
  // on by itself in either case.
  void ReportTrouble(const std::string& begin, const DeploymentFact& d, const Trouble& trouble) {
    if (!d.deadline_exceeded || trouble.lasting) {
      Conclude(false, !trouble.lasting, trouble.lasting, trouble.reason,
               begin + "; " + trouble.Text() + "; it is tried again");
      return Warn(trouble, trouble.message);
    }
    const Trouble late{"ProgressDeadlineExceeded", trouble.Text()};
    Conclude(false, false, true, late.reason,
             begin + " and none more within " + Deadline() +
                 (late.message.empty() ? "" : "; " + late.message) + "; it is tried again");
    Warn(late, late.message.empty() ? begin : late.message);
  }

  void ReportCandidate() {
    const auto& c = *plan_.status.candidate;
    if (rollout_.promoting)
      return Conclude(false, true, false, "Promoting", TextOf(c) + " takes the traffic");
    const std::string begin = TextOf(c) + ": " + std::to_string(c.ready_replicas) + " of " +
                              std::to_string(md_.spec.replicas) + " replicas are ready";
    const DeploymentFact* d = o_.OfVersion(c.version);
    const Trouble trouble = d != nullptr ? TroubleOf(o_, *d) : Trouble();
    if (d != nullptr && (!trouble.reason.empty() || d->deadline_exceeded))
      return ReportTrouble(begin, *d, trouble);
    if (!rollout_.held.empty()) {
      Warn({rollout_.held, c.message}, TextOf(c) + " " + c.message);
      return Conclude(false, false, true, rollout_.held, TextOf(c) + " " + c.message);
    }
    if (const Trouble no_grpc = TroubleOfGrpc(o_); !no_grpc.reason.empty())
      return ReportNoGrpc(TextOf(c), no_grpc);
    const std::string reason = rollout_.waits.empty() ? ReasonOf(c) : rollout_.waits;
    Conclude(false, true, false, reason, c.message.empty() ? begin : begin + "; " + c.message);
  }

  // Of a candidate whose pods are well.
  static const char* ReasonOf(const api::ModelVersionStatus& c) {
    if (c.phase == api::kPhasePaused) return "Paused";
    return c.phase == api::kPhasePreview ? "Preview" : "RollingOut";
  }

  void ReportStable(const DeploymentFact* d) {
    const std::string version = TextOf(*plan_.status.stable);
    const bool there = d != nullptr && d->IsAvailable(md_.spec.replicas);
    const Trouble guard = TroubleOfGuard(o_);
    const bool idle = IsIdle(md_.spec);
    if ((there || idle) && !guard.reason.empty()) {
      if (guard.lasting) Warn(guard, guard.message);
      return Conclude(false, !guard.lasting, guard.lasting, guard.reason,
                      version + (idle ? " has no servers; " : " runs; ") + guard.message);
    }
    const Trouble no_grpc = TroubleOfGrpc(o_);
    if ((there || idle) && !no_grpc.reason.empty()) return ReportNoGrpc(version, no_grpc);
    const Trouble route = TroubleOfRoute(o_);
    if ((there || idle) && o_.service && !rollout_.stable_changes && !route.reason.empty()) {
      if (route.lasting) Warn(route, route.message);
      return Conclude(false, !route.lasting, route.lasting, route.reason,
                      version + " is served within the cluster; " + route.message);
    }
    if (idle && o_.service && !rollout_.stable_changes)
      return Conclude(true, false, false, "Idle", IdleText());
    if (there && o_.service && !rollout_.stable_changes)
      return Conclude(true, false, false, "Available", version + " is served");
    const Trouble trouble = d != nullptr ? TroubleOf(o_, *d) : Trouble();
    const std::string begin = version + ": " + std::to_string(plan_.status.stable->ready_replicas) +
                              " of " + std::to_string(md_.spec.replicas) + " replicas are ready";
    if (!there && d != nullptr && !rollout_.stable_changes &&
        (!trouble.reason.empty() || d->deadline_exceeded))
      return ReportTrouble(begin, *d, trouble);
    if (md_.spec.autoscaling && d != nullptr && o_.service && !rollout_.stable_changes)
      return ReportScaling(*d, begin);
    Conclude(false, true, false, "Progressing", version + " is brought to what the spec says");
  }

  // HTTP goes on; the Service of a model that is not guarded stays at the pods, or has moved
  // before.
  void ReportNoGrpc(const std::string& version, const Trouble& trouble) {
    if (trouble.lasting) Warn(trouble, trouble.message);
    Conclude(false, !trouble.lasting, trouble.lasting, trouble.reason,
             version + ": " + trouble.message);
  }

  // Their number follows the load: with one that serves, the spec is in effect.
  void ReportScaling(const DeploymentFact& d, const std::string& begin) {
    if (d.available_replicas > 0) return Conclude(true, false, false, "Available", begin);
    Conclude(false, true, false, "Waking", begin + "; requests wait in the routers");
  }

  void ReportRejected() {
    const api::ModelHistoryEntry* rejection =
        RejectionOf(plan_.status.history, o_.target->digest, TemplateHash(md_));
    if (rejection == nullptr)
      return Conclude(false, true, false, "Recreating", "the old version is being ended");
    std::string why = VersionText(rejection->version, rejection->digest) +
                      (rejection->outcome == kRejected ? " was rejected" : " was rolled back") +
                      " and is not tried again while the spec is the same: " + rejection->reason;
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
