#include "operator/plan/model/model_deployment_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/plan/model/model_checks.h"
#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/model_conditions.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_rollout.h"
#include "operator/plan/model/model_routing.h"
#include "operator/plan/model/model_scaling.h"
#include "operator/plan/model/model_trouble.h"
#include "operator/plan/model/rollout_report.h"
#include "operator/plan/model/uses_router.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kGrace{30'000};  // from the switch to the end of the old version
constexpr Milliseconds kLookAgain{5'000};
constexpr Milliseconds kLookAtForeign{10'000};  // nothing tells of what is not ours

class ModelPlanner {
 public:
  ModelPlanner(const ModelObserved& o, const ModelSettings& settings, TimePoint now)
      : o_(o), md_(o.md), settings_(settings), now_(now), template_(TemplateHash(o.md)) {}

  ModelPlan Plan() {
    plan_.status = md_.status;
    plan_.status.observed_generation = md_.meta.generation;
    plan_.evidence = o_.evidence;
    if (!o_.seen) {  // nothing is decided on what is not known
      PutStatus(o_, rollout_, now_, plan_);
      return std::move(plan_);
    }
    plan_.status.candidate.reset();
    FindStable();
    KeepStable();
    if (o_.spec_errors.empty() && !o_.foreign_service) {
      FindUndo();
      if (undo_ || o_.target) FollowTarget();
      KeepBaseline();
      PutTraffic(o_, rollout_.promoting, plan_);
    }
    KeepNumber(o_, plan_.status);
    if (!plan_.status.candidate) plan_.evidence = {};
    Forget();
    PutReports(o_, now_, plan_);
    DeleteOthers();
    if (o_.spec_errors.empty()) PutRouting(o_, plan_);
    if (o_.spec_errors.empty() && !o_.foreign_service) PutCompanions(o_, plan_);
    if (o_.foreign_service) WakeIn(kLookAtForeign);
    if (o_.look_again) WakeIn(*o_.look_again);
    if (!plan_.actions.empty()) WakeIn(kLookAgain);
    PutStatus(o_, rollout_, now_, plan_);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::int64_t StableVersion() const {
    return plan_.status.stable ? plan_.status.stable->version : 0;
  }
  [[nodiscard]] bool IsRejected(const std::string& digest) const {
    return RejectionOf(plan_.status.history, digest, template_) != nullptr;
  }
  [[nodiscard]] bool Recreates() const {
    return md_.spec.rollout.strategy == api::RolloutStrategy::kRecreate;
  }

  // What the spec wants no more of, and nothing needs.
  void Forget() {
    HistoryNeeds needs{StableVersion(), {}, o_.target ? o_.target->digest : "", template_};
    for (const auto& d : o_.deployments) needs.there.insert(d.version);
    // Of a spec with errors it is not known what it says.
    const int most =
        o_.spec_errors.empty() ? md_.spec.revision_history_limit : api::kMostRemembered;
    Bound(plan_.status.history, std::size_t(most), needs);
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
      SetModel(d->model, stable);
      stable.since = WholeSeconds(now_);
      if (o_.target && o_.target->digest == d->model.digest) stable.run = o_.target_run;
      plan_.status.stable = stable;
      Remember(plan_.status.history, Entry(stable, kPromoted, "Available"));
      plan_.events.push_back({"Normal", "Promoted",
                              VersionText(stable.version, stable.digest) + " takes the traffic"});
    }
    Count(*plan_.status.stable);
  }

  [[nodiscard]] api::ModelHistoryEntry Entry(const api::ModelVersionStatus& v, const char* outcome,
                                             const std::string& reason) const {
    return EntryOf(v, outcome, reason, now_, template_);
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
    auto& s = *plan_.status.stable;
    if (o_.target && o_.target->digest == s.digest) s.source = o_.target->source;
    KeepStore();
    rollout_.stable_changes = !Keep(s.version, ModelOf(s));
    if (o_.foreign_service) return;
    if (auto move = MoveService(o_, s.version)) plan_.actions.push_back(*std::move(move));
  }

  // A version is an image, or a model that is fetched, as the spec has it now.
  [[nodiscard]] bool IsOfKind(const std::string& source) const {
    return ImageOfSource(source).empty() == (md_.spec.model != api::kModelOfImage);
  }

  // Before the pods that read it; a new address or authority reaches those that run as well.
  void KeepStore() {
    if (stored_ || (o_.store && *o_.store == StoreText(settings_))) return;
    stored_ = true;
    plan_.actions.emplace_back(
        ApplyConfigMap{StoreName(md_.meta.name), BuildStore(md_, settings_)});
  }

  // Recreate: the old version ends before the new one begins.
  [[nodiscard]] bool GivesWay() const {
    return Recreates() && o_.target && o_.target->digest != plan_.status.stable->digest &&
           !IsRejected(o_.target->digest);
  }

  // False when the Deployment is not, or not yet, what the spec says. Its pods are made anew only
  // for a changed spec, never for a new release of the operator; and not for a spec of the other
  // kind, which says nothing of them: they go on as they are until another version serves.
  bool Keep(std::int64_t version, const ModelRef& model) {
    const bool going =
        std::any_of(o_.deployments.begin(), o_.deployments.end(),
                    [&](const auto& x) { return x.version == version && x.deleting; });
    if (going) return false;  // made again when it is gone
    const std::string name = VersionName(md_.meta.name, version);
    const DeploymentFact* d = o_.OfVersion(version);
    const bool moved = d != nullptr && d->model.source != model.source;  // the same, from elsewhere
    const bool other_kind = !IsOfKind(model.source);
    if (d == nullptr && other_kind && !md_.spec.server.container) return false;  // of what?
    if (d == nullptr || (d->template_hash != template_ && !other_kind) || moved) {
      plan_.actions.emplace_back(
          ApplyDeployment{name, BuildDeployment(md_, version, model, settings_)});
      return false;
    }
    if (d->spec_replicas == md_.spec.replicas &&
        d->progress_deadline_seconds == DeadlineSeconds(md_))
      return true;
    plan_.actions.emplace_back(PatchDeployment{
        name,
        {{"spec",
          {{"replicas", md_.spec.replicas}, {"progressDeadlineSeconds", DeadlineSeconds(md_)}}}}});
    return md_.spec.autoscaling.has_value();  // what the spec says holds for any number
  }

  // --- the way back

  // The version that comes back in place of the stable one: what was begun, or what
  // penstock.dev/undo asks for now.
  void FindUndo() {
    if (!plan_.status.stable) return;
    auto& history = plan_.status.history;
    for (const auto& h : history)
      if (h.version == StableVersion() && h.outcome == kRolledBack &&
          h.template_hash == template_ && h.to > 0 && !WasRefused(history, h.to))
        for (const auto& back : history)
          if (back.version == h.to && back.outcome == kPromoted) undo_ = back;
    const auto wish = md_.meta.annotations.find(api::kAnnotationUndo);
    if (undo_ || wish == md_.meta.annotations.end()) return;
    auto back = UndoOf(plan_.status, wish->second, &rollout_.note);
    if (!back) return;
    if (md_.status.candidate) {
      rollout_.note = "penstock.dev/undo waits: abort the candidate first (penstock.dev/abort)";
      return;
    }
    if (!IsOfKind(back->source)) {
      rollout_.note = "penstock.dev/undo waits: version " + std::to_string(back->version) +
                      (ImageOfSource(back->source).empty() ? " has a fetched model"
                                                           : " is its server's image") +
                      ", and spec.model says otherwise: set spec.model and server back with it";
      return;
    }
    undo_ = std::move(back);
    const std::string why = "undone: version " + std::to_string(undo_->version) + " comes back";
    api::ModelHistoryEntry entry = Entry(*plan_.status.stable, kRolledBack, why);
    entry.to = undo_->version;
    Remember(history, entry);
    plan_.events.push_back(
        {"Warning", kRolledBack, "version " + std::to_string(entry.version) + " is " + why});
  }

  // --- the way to the target

  void FollowTarget() {
    const ModelRef target =
        undo_ ? ModelRef(undo_->digest, undo_->folder, undo_->bytes, undo_->source) : *o_.target;
    if (plan_.status.stable && plan_.status.stable->digest == target.digest) return;
    if (!undo_ && IsRejected(target.digest)) return;
    if (plan_.status.stable && Recreates() && OldIsThere()) return;
    const DeploymentFact* d = CandidateOf(o_, plan_.status, target.digest);
    PutCandidate(target, d);
    if (d != nullptr && Rejected(*d)) return;
    KeepStore();
    const std::int64_t version = plan_.status.candidate->version;
    const bool remade = d != nullptr && d->template_hash != template_;
    const bool kept = Keep(version, target);
    // Other pods may answer otherwise.
    if (remade || (!kept && !HasBegun(o_, version))) plan_.evidence = {};
    if (d == nullptr) {
      plan_.events.push_back(
          {"Normal", "Candidate",
           VersionText(version, target.digest) + " is being rolled out" + UncomparedText()});
    } else if (kept && (d->IsAvailable(md_.spec.replicas) || HasBegun(o_, version))) {
      Proceed(*d);
    } else {
      // A container that gives up changes nothing in the Deployment's status.
      WakeIn(kLookAgain);
    }
  }

  // Servers of the stable version beside the candidate's, as new as these; they go when it is over.
  void KeepBaseline() {
    if (const std::int64_t baseline = BaselineOf(o_, plan_); baseline > 0)
      Keep(baseline, ModelOf(*plan_.status.stable));
  }

  [[nodiscard]] std::string UncomparedText() const {
    const std::string why =
        plan_.status.stable && !undo_ ? WhyNotCompared(md_.spec) : std::string();
    return why.empty() ? "" : "; its signature is not compared with the stable version's: " + why;
  }

  void PutCandidate(const ModelRef& target, const DeploymentFact* d) {
    api::ModelVersionStatus candidate;
    candidate.version = d != nullptr ? d->version
                        : undo_      ? undo_->version
                                     : NextVersion(o_, plan_.status, target.digest);
    SetModel(target, candidate);
    if (!undo_) candidate.run = o_.target_run;
    candidate.since = d != nullptr && d->created ? WholeSeconds(*d->created) : WholeSeconds(now_);
    if (HasBegun(o_, candidate.version)) {
      const api::ModelVersionStatus& was = *md_.status.candidate;
      candidate.phase = was.phase;
      candidate.step = was.step;
      candidate.step_since = was.step_since;
      candidate.gates = was.gates;
    }
    Count(candidate);
    plan_.status.candidate = candidate;
  }

  // Its pods are there: by stages, or at once.
  void Proceed(const DeploymentFact& d) {
    if (!undo_ && !MayHaveTraffic()) return;
    if ((!undo_ || md_.spec.rollout.undo_by_steps) && HasStages(o_, plan_)) {
      const rollout::Decision decision = Advance(o_, d, now_, plan_);
      rollout_.waits = decision.reason;
      if (decision.move == rollout::Move::kRollBack) return RollBack(decision.message);
      if (decision.move != rollout::Move::kPromote) return;
    } else if (!d.IsAvailable(md_.spec.replicas)) {
      return WakeIn(kLookAgain);
    }
    const bool guarded = IsGuarded(md_.spec);
    if (guarded && md_.status.router.port == 0) return WakeIn(kLookAgain);
    const bool to_routers = guarded || (o_.service && o_.service->to_routers);
    plan_.actions.emplace_back(
        ApplyService{md_.meta.name, BuildService(md_, d.version, to_routers)});
    plan_.status.candidate->phase = api::kPhasePromoting;
    plan_.status.candidate->message.clear();
    rollout_.promoting = true;
  }

  // False: what is asked before any traffic is not answered yet, or not well.
  bool MayHaveTraffic() {
    const CheckOutcome outcome = CheckBeforeTraffic(o_, now_, plan_);
    if (outcome.end == CheckEnd::kAbort) RollBack(outcome.message);
    if (outcome.end == CheckEnd::kRefuse) Refuse(outcome.message);
    if (outcome.end == CheckEnd::kHold) rollout_.held = outcome.reason;
    return outcome.end == CheckEnd::kGoOn;
  }

  // Its traffic goes to the stable version with this status; its pods go when routers have left.
  void RollBack(const std::string& why) {
    api::ModelHistoryEntry entry = Entry(*plan_.status.candidate, kRolledBack, why);
    entry.gates = plan_.status.candidate->gates;
    plan_.report = BuildReport(md_, entry, &plan_.evidence);
    Remember(plan_.status.history, std::move(entry));
    plan_.events.push_back(
        {"Warning", kRolledBack,
         "version " + std::to_string(plan_.status.candidate->version) + " is rolled back: " + why});
    plan_.status.candidate.reset();
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

  // The model will never do: the reasons stay in the history, its Deployment goes. Whatever else
  // is wrong waits, is said, and is tried again by whoever tries: kubelet, scheduler, controllers.
  bool Rejected(const DeploymentFact& d) {
    if (d.IsAvailable(md_.spec.replicas) || d.template_hash != template_) return false;
    const Trouble trouble = TroubleOf(o_, d);
    if (!trouble.own_fault) return false;
    Refuse(trouble.Text());
    return true;
  }

  // Before it had traffic.
  void Refuse(const std::string& why) {
    api::ModelHistoryEntry entry = Entry(*plan_.status.candidate, kRejected, why);
    entry.gates = plan_.status.candidate->gates;
    plan_.report = BuildReport(md_, entry, nullptr);
    Remember(plan_.status.history, std::move(entry));
    plan_.events.push_back(
        {"Warning", "Rejected",
         "version " + std::to_string(plan_.status.candidate->version) + " is not served: " + why});
    plan_.status.candidate.reset();
  }

  // --- versions that serve nobody any more

  void DeleteOthers() {
    if (!o_.spec_errors.empty()) return;
    const std::int64_t candidate = plan_.status.candidate ? plan_.status.candidate->version : 0;
    for (const auto& d : o_.deployments) {
      if (d.deleting || d.version == StableVersion() || d.version == candidate) continue;
      if (d.version == BaselineOf(o_, plan_)) continue;
      if (!MayGo(d)) continue;
      plan_.actions.emplace_back(DeleteDeployment{d.name, d.uid});
    }
  }

  bool MayGo(const DeploymentFact& d) {
    // Refused: once the status says so, or it would be tried again. Never served: at once.
    const bool refused = WasRefused(plan_.status.history, d.version);
    if (refused && !WasRefused(md_.status.history, d.version)) return false;
    if (refused && !Has(plan_.status.history, d.version, kPromoted)) return RoutersAreDone(d);
    if (!Has(md_.status.history, d.version, kPromoted)) return RoutersAreDone(d);
    if (!plan_.status.stable) return false;
    if (o_.service && o_.service->to_routers) return RoutersAreDone(d);
    const auto has = [&](std::int64_t v) {
      const auto it = o_.endpoints.find(v);
      return it != o_.endpoints.end() && it->second > 0;
    };
    const bool switched = (has(StableVersion()) || md_.spec.replicas == 0) && !has(d.version);
    if (o_.service_for < kGrace) {
      WakeIn(kGrace - o_.service_for);
      return false;
    }
    if (!switched) WakeIn(std::chrono::seconds(2));
    return switched;
  }

  [[nodiscard]] bool RoutersAreDone(const DeploymentFact& d) {
    if (!o_.service || !o_.service->to_routers || RoutersHaveLeft(o_, d.version)) return true;
    WakeIn(std::chrono::seconds(2));
    return false;
  }

  void WakeIn(Milliseconds wait) {
    plan_.requeue_after = std::min(plan_.requeue_after.value_or(wait), wait);
  }

  const ModelObserved& o_;
  const api::ModelDeployment& md_;
  const ModelSettings& settings_;
  TimePoint now_;  // for stamps; no age is counted by it
  const std::string template_;
  ModelPlan plan_;
  Rollout rollout_;
  std::optional<api::ModelHistoryEntry> undo_;  // the version that comes back
  bool stored_ = false;
};

}  // namespace

ModelPlan PlanModelDeployment(const ModelObserved& observed, const ModelSettings& settings,
                              TimePoint now) {
  if (!observed.md.spec.autoscaling || !observed.spec_errors.empty() || !observed.seen) {
    ModelPlan plan = ModelPlanner(observed, settings, now).Plan();
    // Of a spec with errors it is not known whether it means to have any.
    if (observed.md.spec.autoscaling || !observed.spec_errors.empty()) plan.load = observed.load;
    if (observed.seen && !observed.spec_errors.empty()) WakeDespiteErrors(observed, plan);
    return plan;
  }
  // From here on the number is as if the spec said it.
  ModelObserved scaled = observed;
  const ScalingStep step = Scale(scaled);
  ModelPlan plan = ModelPlanner(scaled, settings, now).Plan();
  TellScaling(step, plan);
  plan.load = std::move(scaled.load);
  return plan;
}

}  // namespace penstock::plan
