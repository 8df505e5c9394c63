#include "operator/plan/model/model_deployment_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/run/step_plan.h"

namespace penstock::plan {
namespace {

using api::ConditionStatus;
constexpr Milliseconds kGrace{30'000};  // from the switch to the end of the old version
constexpr Milliseconds kLookAgain{5'000};
constexpr int kMaxRestarts = 3;
constexpr int kLoadFailure = 3;  // penstock-serve --exit-on-load-failure
constexpr std::size_t kMaxHistory = 20;

class Planner {
 public:
  Planner(const ModelObserved& o, const ModelSettings& settings, TimePoint now)
      : o_(o), md_(o.md), settings_(settings), now_(now) {}

  ModelPlan Plan() {
    plan_.status = md_.status;
    plan_.status.observed_generation = md_.meta.generation;
    plan_.status.candidate.reset();
    FindStable();
    KeepStable();
    if (o_.spec_errors.empty() && !o_.foreign_service && o_.target) FollowTarget();
    DeleteOthers();
    Report();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] const DeploymentFact* OfVersion(std::int64_t version) const {
    for (const auto& d : o_.deployments)
      if (d.version == version && !d.deleting) return &d;
    return nullptr;
  }
  [[nodiscard]] std::int64_t StableVersion() const {
    return plan_.status.stable ? plan_.status.stable->version : 0;
  }
  [[nodiscard]] bool IsRejected(const std::string& digest) const {
    return std::any_of(
        plan_.status.history.begin(), plan_.status.history.end(),
        [&](const auto& h) { return h.digest == digest && h.outcome == "Rejected"; });
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
      const DeploymentFact* d = OfVersion(version);
      if (d == nullptr) {  // of a status that was lost
        plan_.status.stable.reset();
        return;
      }
      api::ModelVersionStatus stable;
      stable.version = version;
      stable.digest = d->model.digest;
      stable.folder = d->model.folder;
      stable.bytes = d->model.bytes;
      stable.since = Seconds(now_);
      if (o_.target && o_.target->digest == d->model.digest) stable.run = o_.target_run;
      plan_.status.stable = stable;
      Remember({version, stable.digest, "Promoted", "Available", Seconds(now_)});
      plan_.events.push_back({"Normal", "Promoted", VersionText(stable) + " takes the traffic"});
    }
    Count(*plan_.status.stable);
  }

  void Count(api::ModelVersionStatus& v) const {
    const DeploymentFact* d = OfVersion(v.version);
    v.replicas = d != nullptr ? d->spec_replicas : 0;
    v.ready_replicas = d != nullptr ? d->ready_replicas : 0;
  }

  static std::string VersionText(const api::ModelVersionStatus& v) {
    return "version " + std::to_string(v.version) + " (" + v.digest.substr(0, 19) + ")";
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
    const DeploymentFact* d = OfVersion(version);
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
    candidate.since = d != nullptr && d->created ? Seconds(*d->created) : Seconds(now_);
    Count(candidate);
    plan_.status.candidate = candidate;
    if (d != nullptr && Rejected(*d)) return;
    Keep(candidate.version, target);
    if (d == nullptr) {
      plan_.events.push_back(
          {"Normal", "Candidate", VersionText(candidate) + " is being rolled out"});
    } else if (IsAvailable(*d)) {
      plan_.actions.emplace_back(ApplyService{md_.meta.name, BuildService(md_, candidate.version)});
      promoting_ = true;
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

  [[nodiscard]] bool IsAvailable(const DeploymentFact& d) const {
    return d.observed_generation >= d.generation && d.spec_replicas == md_.spec.replicas &&
           d.updated_replicas >= md_.spec.replicas && d.available_replicas >= md_.spec.replicas;
  }

  [[nodiscard]] TimePoint Deadline(const DeploymentFact& d) const {
    return d.created.value_or(now_) + md_.spec.progress_deadline;
  }

  // Why the candidate will not do; the reasons stay in the history, its Deployment goes.
  bool Rejected(const DeploymentFact& d) {
    if (IsAvailable(d)) return false;
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
    trouble_ = message;
    if (reason.empty() && now_ >= Deadline(d)) reason = "ProgressDeadlineExceeded";
    if (reason.empty()) return false;
    Remember({d.version, d.model.digest, "Rejected",
              Shown(reason + (message.empty() ? "" : ": " + message), 900), Seconds(now_)});
    plan_.events.push_back({"Warning", "Rejected",
                            "version " + std::to_string(d.version) + " is not served: " + reason +
                                (message.empty() ? "" : ": " + message)});
    plan_.status.candidate.reset();
    return true;
  }

  void Remember(api::ModelHistoryEntry entry) {
    auto& history = plan_.status.history;
    history.insert(history.begin(), std::move(entry));
    while (history.size() > kMaxHistory) {
      // What must not be tried again is forgotten last.
      auto drop = std::find_if(history.rbegin(), history.rend(),
                               [](const auto& h) { return h.outcome != "Rejected"; });
      history.erase(drop == history.rend() ? std::prev(history.end()) : std::prev(drop.base()));
    }
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

  [[nodiscard]] bool WasPromoted(std::int64_t version) const {
    return std::any_of(md_.status.history.begin(), md_.status.history.end(), [&](const auto& h) {
      return h.version == version && h.outcome == "Promoted";
    });
  }

  bool MayGo(const DeploymentFact& d) {
    // Rejected: once the status says so, or it would be tried again. Never served: at once.
    if (IsRejected(d.model.digest) && !WasPromoted(d.version))
      return std::any_of(md_.status.history.begin(), md_.status.history.end(), [&](const auto& h) {
        return h.version == d.version && h.outcome == "Rejected";
      });
    if (!WasPromoted(d.version)) return true;
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

  // --- status

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

  void Report() {
    plan_.status.url = "http://" + md_.meta.name + "." + md_.meta.namespace_ + ".svc";
    const std::int64_t shown = plan_.status.stable      ? StableVersion()
                               : plan_.status.candidate ? plan_.status.candidate->version
                                                        : 0;
    const DeploymentFact* stable = OfVersion(StableVersion());
    const DeploymentFact* d = OfVersion(shown);
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
    const bool whole = stable != nullptr && IsAvailable(*stable);
    Conclude(whole, !whole, false, whole ? "Available" : "Progressing",
             VersionText(*plan_.status.stable) +
                 (whole ? " is served" : " is brought to what the spec says"));
  }

  void ReportAvailable(const DeploymentFact* stable) {
    const bool up = stable != nullptr && (stable->available_replicas > 0 || md_.spec.replicas == 0);
    if (plan_.status.stable && up) {
      Set("Available", ConditionStatus::kTrue, "Serving",
          VersionText(*plan_.status.stable) + " is served");
    } else {
      Set("Available", ConditionStatus::kFalse, plan_.status.stable ? "NoReplica" : "NoVersion",
          plan_.status.stable ? "no replica of the version is available"
                              : "no version has become available yet");
    }
  }

  void ReportCandidate() {
    const auto& c = *plan_.status.candidate;
    Conclude(false, true, false, promoting_ ? "Promoting" : "RollingOut",
             VersionText(c) +
                 (promoting_ ? " takes the traffic"
                             : ": " + std::to_string(c.ready_replicas) + " of " +
                                   std::to_string(md_.spec.replicas) + " replicas are ready") +
                 (trouble_.empty() ? "" : "; " + trouble_));
  }

  void ReportRejected() {
    std::string why = "the model is not served";
    for (const auto& h : plan_.status.history)
      if (h.digest == o_.target->digest && h.outcome == "Rejected") {
        why = "version " + std::to_string(h.version) + " (" + h.digest.substr(0, 19) +
              ") was rejected and is not tried again: " + h.reason;
        break;
      }
    if (!IsRejected(o_.target->digest))
      return Conclude(false, true, false, "Recreating", "the old version is being ended");
    if (plan_.status.stable) why += "; " + VersionText(*plan_.status.stable) + " goes on";
    Conclude(false, false, true, plan_.status.stable ? "RolledBack" : "Rejected", why);
  }

  const ModelObserved& o_;
  const api::ModelDeployment& md_;
  const ModelSettings& settings_;
  TimePoint now_;
  ModelPlan plan_;
  bool promoting_ = false;
  std::string trouble_;  // what keeps the candidate from being ready
};

}  // namespace

ModelPlan PlanModelDeployment(const ModelObserved& observed, const ModelSettings& settings,
                              TimePoint now) {
  return Planner(observed, settings, now).Plan();
}

}  // namespace penstock::plan
