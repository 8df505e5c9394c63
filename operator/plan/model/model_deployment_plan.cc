#include "operator/plan/model/model_deployment_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/model/model_conditions.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_history.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kGrace{30'000};  // from the switch to the end of the old version
constexpr Milliseconds kLookAgain{5'000};
constexpr int kMaxRestarts = 3;
constexpr int kLoadFailure = 3;  // penstock-serve --exit-on-load-failure

class ModelPlanner {
 public:
  ModelPlanner(const ModelObserved& o, const ModelSettings& settings, TimePoint now)
      : o_(o), md_(o.md), settings_(settings), now_(now) {}

  ModelPlan Plan() {
    plan_.status = md_.status;
    plan_.status.observed_generation = md_.meta.generation;
    plan_.status.candidate.reset();
    FindStable();
    KeepStable();
    if (o_.spec_errors.empty() && !o_.foreign_service && o_.target) FollowTarget();
    DeleteOthers();
    PutStatus(o_, rollout_, now_, plan_);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::int64_t StableVersion() const {
    return plan_.status.stable ? plan_.status.stable->version : 0;
  }
  [[nodiscard]] bool IsRejected(const std::string& digest) const {
    return RejectionOf(plan_.status.history, digest) != nullptr;
  }
  [[nodiscard]] bool Recreates() const {
    return md_.spec.strategy == api::ModelDeploymentSpec::Strategy::kRecreate;
  }

  // --- the stable version: the one that the Service points to

  void FindStable() {
    // A Service that somebody deleted comes back as it was.
    const std::int64_t version =
        o_.service && o_.service->version > 0 ? o_.service->version : StableVersion();
    if (version == 0) return;
    if (StableVersion() != version) {
      const DeploymentFact* d = o_.OfVersion(version);
      if (d == nullptr) {  // of a status that was lost
        plan_.status.stable.reset();
        return;
      }
      api::ModelVersionStatus stable;
      stable.version = version;
      stable.digest = d->model.digest;
      stable.folder = d->model.folder;
      stable.bytes = d->model.bytes;
      stable.since = WholeSeconds(now_);
      if (o_.target && o_.target->digest == d->model.digest) stable.run = o_.target_run;
      plan_.status.stable = stable;
      Remember(plan_.status.history,
               {version, stable.digest, kPromoted, "Available", WholeSeconds(now_)});
      plan_.events.push_back({"Normal", "Promoted",
                              VersionText(stable.version, stable.digest) + " takes the traffic"});
    }
    Count(*plan_.status.stable);
  }

  void Count(api::ModelVersionStatus& v) const {
    const DeploymentFact* d = o_.OfVersion(v.version);
    v.replicas = d != nullptr ? d->spec_replicas : 0;
    v.ready_replicas = d != nullptr ? d->ready_replicas : 0;
  }

  // The stable Deployment and the Service stand as the spec says; a deleted one comes back.
  void KeepStable() {
    if (!plan_.status.stable || !o_.spec_errors.empty()) return;
    if (GivesWay()) return;
    const auto& s = *plan_.status.stable;
    Keep(s.version, {s.digest, s.folder, s.bytes});
    if (!o_.service && !o_.foreign_service)
      plan_.actions.emplace_back(ApplyService{md_.meta.name, BuildService(md_, s.version)});
  }

  // Recreate: the old version ends before the new one begins.
  [[nodiscard]] bool GivesWay() const {
    return Recreates() && o_.target && o_.target->digest != plan_.status.stable->digest &&
           !IsRejected(o_.target->digest);
  }

  void Keep(std::int64_t version, const ArtifactRef& model) {
    Json wanted = BuildDeployment(md_, version, model, settings_);
    const DeploymentFact* d = o_.OfVersion(version);
    const bool going =
        std::any_of(o_.deployments.begin(), o_.deployments.end(),
                    [&](const auto& x) { return x.version == version && x.deleting; });
    if (going) return;  // made again when it is gone
    if (d != nullptr && d->template_hash == TemplateHash(wanted) &&
        d->spec_replicas == md_.spec.replicas)
      return;
    plan_.actions.emplace_back(ApplyDeployment{VersionName(md_.meta.name, version), wanted});
  }

  // --- the way to the target

  void FollowTarget() {
    const ArtifactRef& target = *o_.target;
    if (plan_.status.stable && plan_.status.stable->digest == target.digest) return;
    if (IsRejected(target.digest)) return;
    if (plan_.status.stable && Recreates() && OldIsThere()) return;
    const DeploymentFact* d = FindCandidate(target);
    api::ModelVersionStatus candidate;
    candidate.version = d != nullptr ? d->version : NextVersion();
    candidate.digest = target.digest;
    candidate.folder = target.folder;
    candidate.bytes = target.bytes;
    candidate.run = o_.target_run;
    candidate.since = d != nullptr && d->created ? WholeSeconds(*d->created) : WholeSeconds(now_);
    Count(candidate);
    plan_.status.candidate = candidate;
    if (d != nullptr && Rejected(*d)) return;
    Keep(candidate.version, target);
    if (d == nullptr) {
      plan_.events.push_back(
          {"Normal", "Candidate",
           VersionText(candidate.version, candidate.digest) + " is being rolled out"});
    } else if (d->IsAvailable(md_.spec.replicas)) {
      plan_.actions.emplace_back(ApplyService{md_.meta.name, BuildService(md_, candidate.version)});
      rollout_.promoting = true;
    } else {
      // A container that gives up changes nothing in the Deployment's status.
      WakeAt(std::min(Deadline(*d), now_ + kLookAgain));
    }
  }

  [[nodiscard]] bool OldIsThere() {
    bool there = false;
    for (const auto& d : o_.deployments) {
      if (d.version != StableVersion()) continue;
      there = true;
      if (!d.deleting) plan_.actions.emplace_back(DeleteDeployment{d.name, d.uid});
    }
    return there;
  }

  [[nodiscard]] const DeploymentFact* FindCandidate(const ArtifactRef& target) const {
    const DeploymentFact* found = nullptr;
    for (const auto& d : o_.deployments)
      if (!d.deleting && d.version != StableVersion() && d.model.digest == target.digest &&
          (found == nullptr || d.version > found->version))
        found = &d;
    return found;
  }

  [[nodiscard]] std::int64_t NextVersion() const {
    std::int64_t highest = std::max(StableVersion(), o_.service ? o_.service->version : 0);
    for (const auto& d : o_.deployments) highest = std::max(highest, d.version);
    for (const auto& h : md_.status.history) highest = std::max(highest, h.version);
    return highest + 1;
  }

  [[nodiscard]] TimePoint Deadline(const DeploymentFact& d) const {
    return d.created.value_or(now_) + md_.spec.progress_deadline;
  }

  // Why the candidate will not do; the reasons stay in the history, its Deployment goes.
  bool Rejected(const DeploymentFact& d) {
    if (d.IsAvailable(md_.spec.replicas)) return false;
    std::string reason;
    std::string message;
    for (const auto& p : o_.pods) {
      if (p.version != d.version || p.ready) continue;
      if (message.empty() && !p.waiting_reason.empty())
        message = p.waiting_reason + (p.waiting_message.empty() ? "" : ": " + p.waiting_message);
      const bool gave_up = p.last_exit_code == kLoadFailure;
      if (!gave_up && (p.restarts < kMaxRestarts || p.last_exit_code == 0)) continue;
      reason = gave_up ? "LoadFailed" : "CrashLoop";
      message = "exit code " + std::to_string(p.last_exit_code) +
                (p.last_message.empty() ? "" : ": " + p.last_message);
      break;
    }
    rollout_.trouble = message;
    if (reason.empty() && now_ >= Deadline(d)) reason = "ProgressDeadlineExceeded";
    if (reason.empty()) return false;
    Remember(plan_.status.history,
             {d.version, d.model.digest, kRejected,
              Shown(reason + (message.empty() ? "" : ": " + message), 900), WholeSeconds(now_)});
    plan_.events.push_back({"Warning", "Rejected",
                            "version " + std::to_string(d.version) + " is not served: " + reason +
                                (message.empty() ? "" : ": " + message)});
    plan_.status.candidate.reset();
    return true;
  }

  // --- versions that serve nobody any more

  void DeleteOthers() {
    if (!o_.spec_errors.empty()) return;
    const std::int64_t candidate = plan_.status.candidate ? plan_.status.candidate->version : 0;
    for (const auto& d : o_.deployments) {
      if (d.deleting || d.version == StableVersion() || d.version == candidate) continue;
      if (!MayGo(d)) continue;
      plan_.actions.emplace_back(DeleteDeployment{d.name, d.uid});
    }
  }

  bool MayGo(const DeploymentFact& d) {
    // Rejected: once the status says so, or it would be tried again. Never served: at once.
    const bool was_promoted = Has(md_.status.history, d.version, kPromoted);
    if (IsRejected(d.model.digest) && !was_promoted)
      return Has(md_.status.history, d.version, kRejected);
    if (!was_promoted) return true;
    if (!plan_.status.stable) return false;
    const TimePoint end = plan_.status.stable->since.value_or(now_) + kGrace;
    const auto has = [&](std::int64_t v) {
      const auto it = o_.endpoints.find(v);
      return it != o_.endpoints.end() && it->second > 0;
    };
    const bool switched = (has(StableVersion()) || md_.spec.replicas == 0) && !has(d.version);
    if (now_ < end) {
      WakeAt(end);
      return false;
    }
    if (!switched) WakeAt(now_ + std::chrono::seconds(2));
    return switched;
  }

  void WakeAt(TimePoint at) {
    const auto wait = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(at - now_));
    plan_.requeue_after = std::min(plan_.requeue_after.value_or(wait), wait);
  }

  const ModelObserved& o_;
  const api::ModelDeployment& md_;
  const ModelSettings& settings_;
  TimePoint now_;
  ModelPlan plan_;
  Rollout rollout_;
};

}  // namespace

ModelPlan PlanModelDeployment(const ModelObserved& observed, const ModelSettings& settings,
                              TimePoint now) {
  return ModelPlanner(observed, settings, now).Plan();
}

}  // namespace penstock::plan
