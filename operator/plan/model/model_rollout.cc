#include "operator/plan/model/model_rollout.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/model/model_approval.h"
#include "operator/plan/model/model_deployment_objects.h"
#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_trouble.h"
#include "operator/plan/model/uses_router.h"
#include "operator/plan/rollout/server_evidence.h"

namespace penstock::plan {
namespace {

using rollout::Decision;
using rollout::Move;
using rollout::Stage;

constexpr Milliseconds kLook{2'000};          // at a candidate with traffic
constexpr Milliseconds kShowNumbers{10'000};  // in status, when nothing else has changed
constexpr std::size_t kMostOfTrouble = 512;

std::string AnnotationOf(const api::ModelDeployment& md, const char* name) {
  const auto it = md.meta.annotations.find(name);
  return it == md.meta.annotations.end() ? "" : it->second;
}

bool IsReachable(const ModelObserved& o, std::int64_t version) {
  const auto it = o.endpoints.find(version);
  return it != o.endpoints.end() && it->second > 0;
}

// Of hundredths of a percent.
std::string ShareText(long hundredths) {
  std::string text = std::to_string(hundredths / 100);
  if (hundredths % 100 != 0) {
    text += "." + std::to_string(100 + hundredths % 100).substr(1);
    if (text.back() == '0') text.pop_back();
  }
  return text + "%";
}

// "5%" of 100%: "95%".
std::string Rest(const std::string& weight) {
  return ShareText(10'000 - std::lround(rollout::NumberOf(weight) * 10'000));
}

std::string MaxErrorRate(const api::RolloutSpec& spec) {
  for (const auto& gate : spec.gates)
    if (gate.metric == api::kErrorRate && !gate.max.empty()) return gate.max;
  return "";
}

Milliseconds Between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<Milliseconds>(to - from);
}

// An operator that was away, or begins anew with other gates, has seen nothing of the time before:
// what was not decided in it is no fault of the version. An experiment has begun when both sides
// can get copies.
void PutTimes(const ModelObserved& o, const Stage& stage, TimePoint now, const ModelPlan& plan,
              rollout::Situation& s) {
  const api::ModelVersionStatus& c = *plan.status.candidate;
  const TimePoint entered = c.step_since.value_or(now);
  const TimePoint seen = std::max(plan.evidence.began.value_or(now), entered);
  if (stage.kind == rollout::StageKind::kExperiment) {
    s.since = Between(seen, now);
    return;
  }
  s.since = Between(entered, now);
  // Whom it waits for is asked already.
  const bool asked = o.md.spec.rollout.on_inconclusive == api::OnInconclusive::kPause &&
                     c.phase == api::kPhasePaused;
  if (!asked) s.unseen = Between(entered, seen);
}

rollout::Situation SituationOf(const ModelObserved& o, const DeploymentFact& d,
                               const api::ModelVersionStatus& c) {
  const std::string version = std::to_string(c.version);
  rollout::Situation s;
  s.available = d.IsAvailable(o.md.spec.replicas) && IsReachable(o, c.version);
  s.abort = Names(o.md, api::kAnnotationAbort, version);
  s.promote = Names(o.md, api::kAnnotationPromote, version);
  s.resume = Names(o.md, api::kAnnotationResume, version + "/" + std::to_string(c.step));
  if (o.md.spec.rollout.paused) s.paused = "rollout.paused";
  if (Names(o.md, api::kAnnotationPause, version)) s.paused = api::kAnnotationPause;
  return s;
}

void Replace(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

api::GateSpec WithReferences(api::GateSpec gate, const ModelObserved& o, const ModelPlan& plan) {
  const std::pair<std::string, std::string> all[] = {
      {"$(candidate.version)", std::to_string(plan.status.candidate->version)},
      {"$(stable.version)", std::to_string(plan.status.stable->version)},
      {"$(name)", o.md.meta.name},
      {"$(namespace)", o.md.meta.namespace_}};
  for (const auto& [what, with] : all) {
    if (gate.prometheus) Replace(gate.prometheus->query, what, with);
    if (gate.http) Replace(gate.http->url, what, with);
  }
  return gate;
}

void Ask(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  for (const auto& gate : o.md.spec.rollout.gates) {
    if (!gate.IsAsked()) continue;
    const rollout::Asked* asked = plan.evidence.AskedBy(gate.Name());
    const bool due = asked == nullptr || asked->time == TimePoint{} ||
                     now - asked->time >= gate.interval || now < asked->time;
    if (due)
      plan.questions.push_back({WithReferences(gate, o, plan), std::nullopt,
                                plan.status.candidate->version,
                                asked == nullptr ? "" : asked->mark});
  }
}

constexpr Milliseconds kLookAtServers{5'000};

// The first servers of a version by name, so that the same ones are looked at each time.
void AddServers(const ModelObserved& o, std::int64_t version,
                std::vector<rollout::ServerAddress>& all) {
  std::vector<rollout::ServerAddress> of_version;
  for (const ServingPodFact& pod : o.pods)
    if (pod.version == version && pod.ready && !pod.ending && !pod.address.empty())
      of_version.push_back({pod.name, pod.address, api::kServerPort, version});
  std::sort(of_version.begin(), of_version.end(),
            [](const auto& a, const auto& b) { return a.pod < b.pod; });
  if (of_version.size() > rollout::kMostServers) of_version.resize(rollout::kMostServers);
  all.insert(all.end(), of_version.begin(), of_version.end());
}

void AskServers(const ModelObserved& o, const rollout::StepKey& key, TimePoint now,
                ModelPlan& plan) {
  const rollout::Asked* asked = plan.evidence.AskedBy(rollout::kServersCheck);
  if (asked == nullptr) return;
  const bool due =
      asked->time == TimePoint{} || now - asked->time >= kLookAtServers || now < asked->time;
  if (!due) return;
  api::GateSpec look;
  look.name = rollout::kServersCheck;
  rollout::ServersToAsk servers;
  servers.model = o.md.meta.name;
  AddServers(o, key.stable, servers.all);
  AddServers(o, key.candidate, servers.all);
  plan.questions.push_back(
      {std::move(look), std::move(servers), plan.status.candidate->version, asked->mark});
}

// From what was told of the servers by now, at each gate's own interval.
void MeasureDrifts(const ModelObserved& o, const rollout::StepKey& key, ModelPlan& plan) {
  for (const auto& gate : o.md.spec.rollout.gates) {
    const rollout::Asked* asked = plan.evidence.AskedBy(gate.Name());
    if (gate.metric != api::kDrift || asked == nullptr) continue;
    for (const auto& look : o.measurements) {
      const bool due = asked->time == TimePoint{} || look.time - asked->time >= gate.interval;
      if (look.gate != rollout::kServersCheck || !due) continue;
      plan.evidence.Add(
          rollout::MeasureDrift(gate, look.servers, key.stable, key.candidate, look.time));
    }
  }
}

bool IsMeasured(const Stage& stage) {
  return stage.kind == rollout::StageKind::kExperiment || rollout::NumberOf(stage.weight) > 0;
}

// Adds to the evidence what has come since the last look: in an experiment of the baseline, as the
// servers tell, else of the stable version, as the routers do.
rollout::StepKey Gather(const ModelObserved& o, const Stage& stage, TimePoint now,
                        ModelPlan& plan) {
  const std::vector<api::GateSpec>& gates = o.md.spec.rollout.gates;
  const bool experiment = stage.kind == rollout::StageKind::kExperiment;
  const std::int64_t candidate = plan.status.candidate->version;
  const rollout::StepKey key{experiment ? kFirstBaseline + candidate : plan.status.stable->version,
                             candidate, stage.evidence};
  std::vector<std::string> checks;
  if (experiment || rollout::NeedServers(gates)) checks.emplace_back(rollout::kServersCheck);
  plan.evidence.Begin(key, gates, checks);
  if (!experiment) plan.evidence.Look(o.routers, now);
  for (const auto& m : o.measurements) {
    plan.evidence.Add(m);
    if (experiment && m.gate == rollout::kServersCheck)
      plan.evidence.Look(rollout::AsRouters(m.servers), m.time);
  }
  MeasureDrifts(o, key, plan);
  const bool both = IsReachable(o, key.stable) && IsReachable(o, candidate);
  if (!plan.evidence.began && (both || !experiment)) plan.evidence.began = now;
  return key;
}

// What an experiment lacks: nothing is said against a candidate whose other side is not there.
std::string WaitForBaseline(const ModelObserved& o, const Stage& stage, const ModelPlan& plan) {
  if (stage.kind != rollout::StageKind::kExperiment || plan.evidence.began) return "";
  const std::int64_t baseline = kFirstBaseline + plan.status.candidate->version;
  const DeploymentFact* const d = o.OfVersion(baseline);
  const Trouble trouble = d != nullptr ? TroubleOf(o, *d) : Trouble();
  return "; it begins when the new servers of the stable version are Ready (Deployment " +
         VersionName(o.md.meta.name, baseline) + ")" +
         (trouble.reason.empty() ? "" : ": " + Shown(trouble.Text(), kMostOfTrouble));
}

// Before the candidate, which is the last. Half of the copies go to the baseline, and of what it
// leaves as much to the candidate, as a request is copied once; none before both are there.
void PutBaseline(std::int64_t version, bool reachable, std::vector<api::TrafficStatus>& traffic) {
  api::TrafficStatus& candidate = traffic.back();
  if (!reachable) candidate.shadow.clear();
  if (candidate.shadow.empty()) return;
  const double half = rollout::NumberOf(candidate.shadow) / 2;
  candidate.shadow = ShareText(std::lround(half / (1 - half) * 10'000));
  api::TrafficStatus baseline;
  baseline.version = version;
  baseline.weight = "0%";
  baseline.shadow = ShareText(std::lround(half * 10'000));
  traffic.insert(std::prev(traffic.end()), baseline);
}

// Numbers move at each look; writing them at each would be a write every two seconds.
void ShowGates(const std::vector<rollout::Judgement>& gates, TimePoint now, ModelPlan& plan) {
  auto& shown = plan.status.candidate->gates;
  const bool same = std::equal(gates.begin(), gates.end(), shown.begin(), shown.end(),
                               [](const auto& a, auto& b) {
                                 return a.status.name == b.name && a.status.verdict == b.verdict;
                               });
  if (same && now >= plan.evidence.shown && now - plan.evidence.shown < kShowNumbers) return;
  plan.evidence.shown = now;
  shown.clear();
  for (const auto& j : gates) shown.push_back(j.status);
}

void Enter(const Stage& stage, TimePoint now, ModelPlan& plan) {
  api::ModelVersionStatus& c = *plan.status.candidate;
  c.phase = rollout::PhaseOf(stage, false);
  c.step = stage.step;
  c.step_since = now;
  c.gates.clear();
  std::string text = VersionText(c.version, c.digest);
  if (stage.kind == rollout::StageKind::kExperiment)
    text += " gets copies of requests beside new servers of the stable version, half of " +
            stage.shadow + " each";
  else if (stage.kind == rollout::StageKind::kShadow)
    text += " gets copies of " + stage.shadow + " of the requests";
  else if (stage.kind == rollout::StageKind::kPreview)
    text += " answers requests with penstock-version: " + std::to_string(c.version);
  else if (stage.kind == rollout::StageKind::kPause)
    text += " pauses at " + stage.weight + " of the traffic";
  else if (stage.kind == rollout::StageKind::kApproval)
    text += " waits for an approval at " + stage.weight + " of the traffic";
  else
    text += " gets " + stage.weight + " of the traffic";
  plan.events.push_back({"Normal", "RolloutStep", text});
}

}  // namespace

bool Names(const api::ModelDeployment& md, const char* annotation, const std::string& value) {
  return AnnotationOf(md, annotation) == value;
}

bool HasStages(const ModelObserved& o, const ModelPlan& plan) {
  return plan.status.stable && UsesRouter(o.md.spec) &&
         !rollout::StagesOf(o.md.spec.rollout).empty();
}

bool HasBegun(const ModelObserved& o, std::int64_t version) {
  const auto& was = o.md.status.candidate;
  return was && was->version == version && !was->phase.empty() && was->phase != api::kPhaseStarting;
}

std::int64_t BaselineOf(const ModelObserved& o, const ModelPlan& plan) {
  if (!plan.status.candidate || !plan.status.stable) return 0;
  const bool in_it =
      o.md.spec.rollout.experiment && plan.status.candidate->phase == api::kPhaseExperiment;
  return in_it ? kFirstBaseline + plan.status.candidate->version : 0;
}

rollout::Decision Advance(const ModelObserved& o, const DeploymentFact& d, TimePoint now,
                          ModelPlan& plan) {
  const api::RolloutSpec& spec = o.md.spec.rollout;
  const std::vector<Stage> stages = rollout::StagesOf(spec);
  api::ModelVersionStatus& c = *plan.status.candidate;
  plan.requeue_after = std::min(plan.requeue_after.value_or(kLook), kLook);
  auto at = rollout::StageOf(stages, c.phase, c.step);
  const TimePoint second = std::chrono::floor<std::chrono::seconds>(now);
  if (!at) {
    c.phase = api::kPhaseStarting;
    if (!o.service || !o.service->to_routers || !IsReachable(o, c.version)) {
      c.message = "waits until the routers of the namespace serve the Service and know its pods";
      return {};
    }
    at = 0;
    Enter(stages[0], second, plan);
  }
  const rollout::StepKey key = Gather(o, stages[*at], now, plan);
  rollout::Situation situation = SituationOf(o, d, c);
  PutTimes(o, stages[*at], now, plan, situation);
  situation.ejected = plan.evidence.Ejected();
  JudgeApprovalStage(o, stages[*at], now, plan, situation);
  const auto gates = rollout::JudgeStage(spec, stages[*at], plan.evidence);
  ShowGates(gates, now, plan);
  Decision decision = rollout::Decide(spec, stages[*at], situation, gates);
  TellApproval(stages[*at], situation, decision, plan);
  if (decision.move == Move::kNext && *at + 1 == stages.size()) decision.move = Move::kPromote;
  if (decision.move == Move::kPromote && !situation.available)
    decision = {Move::kStay, false, "is promoted when all of its pods are Ready"};
  c.message = decision.message;
  if (decision.move == Move::kStay) c.message += WaitForBaseline(o, stages[*at], plan);
  if (decision.move == Move::kNext) {
    Enter(stages[*at + 1], second, plan);
  } else if (decision.move == Move::kStay) {
    c.phase = rollout::PhaseOf(stages[*at], decision.waits);
    c.step = stages[*at].step;
    Ask(o, now, plan);
    if (IsMeasured(stages[*at])) AskServers(o, key, now, plan);
  }
  return decision;
}

void PutTraffic(const ModelObserved& o, bool promoting, ModelPlan& plan) {
  auto& status = plan.status;
  if (status.stable) status.stable->weight.clear();
  if (!UsesRouter(o.md.spec) || !status.stable || status.router.port == 0) return;
  api::TrafficStatus stable;
  stable.version = status.stable->version;
  stable.weight = "100%";
  const auto stages = rollout::StagesOf(o.md.spec.rollout);
  const rollout::Stage* stage = nullptr;
  if (status.candidate)
    if (const auto at = rollout::StageOf(stages, status.candidate->phase, status.candidate->step))
      stage = &stages[*at];
  status.traffic = {stable};
  if (promoting || stage != nullptr) {
    api::TrafficStatus& t = status.traffic.emplace_back();
    t.version = status.candidate->version;
    // No pod of it is there: nobody waits for it.
    const bool reachable = IsReachable(o, t.version);
    t.weight = promoting ? "100%" : reachable ? stage->weight : "0%";
    if (!promoting && reachable) t.shadow = stage->shadow;
    if (!promoting && rollout::NumberOf(t.weight) > 0)
      t.max_error_rate = MaxErrorRate(o.md.spec.rollout);
    const auto& shadow = o.md.spec.rollout.shadow;
    const bool compares = !promoting && stage->kind == rollout::StageKind::kShadow;
    if (compares && !t.shadow.empty() && shadow && shadow->compare) {
      t.compare_output = shadow->compare->output;
      t.compare_threshold = shadow->compare->threshold;
    }
    status.traffic[0].weight = Rest(t.weight);
    status.candidate->weight = t.weight;
    if (const std::int64_t baseline = BaselineOf(o, plan); baseline > 0 && !promoting)
      PutBaseline(baseline, IsReachable(o, baseline), status.traffic);
  }
  status.stable->weight = status.traffic[0].weight;
}

std::optional<api::ModelHistoryEntry> UndoOf(const api::ModelDeploymentStatus& status,
                                             const std::string& wish, std::string* note) {
  if (!status.stable || wish.empty()) return std::nullopt;
  const std::string stable = std::to_string(status.stable->version);
  if (wish != stable && !wish.starts_with(stable + "/")) return std::nullopt;
  std::int64_t to = 0;
  if (wish != stable) {
    const char* end = wish.data() + wish.size();
    const auto read = std::from_chars(wish.data() + stable.size() + 1, end, to);
    if (read.ec != std::errc{} || read.ptr != end || to <= 0) to = -1;
  }
  for (const auto& h : status.history) {
    if (h.outcome != kPromoted || h.version == status.stable->version) continue;
    if (to != 0 ? h.version != to : WasRefused(status.history, h.version)) continue;
    if (!WasRefused(status.history, h.version)) return h;
    *note = "penstock.dev/undo names version " + std::to_string(to) + ", which was rolled back";
    return std::nullopt;
  }
  *note = "penstock.dev/undo is \"" + wish + "\", and the history has no such version that served";
  return std::nullopt;
}

}  // namespace penstock::plan
