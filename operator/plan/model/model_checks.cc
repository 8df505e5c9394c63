#include "operator/plan/model/model_checks.h"

#include <algorithm>
#include <utility>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_rollout.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kLookAtChecks{2'000};
constexpr Milliseconds kAskAgain{2'000};  // for a signature

bool ComparesSignature(const ModelObserved& o, const ModelPlan& plan) {
  return plan.status.stable && WhyNotCompared(o.md.spec).empty();
}

rollout::ServerAddress ServerOf(const ModelObserved& o, std::int64_t version) {
  const DeploymentFact* d = o.OfVersion(version);
  for (const ServingPodFact& pod : o.pods)
    if (d != nullptr && pod.version == version && pod.ready && !pod.ending &&
        !pod.address.empty() && pod.template_hash == d->template_hash)
      return {pod.name, pod.address, pod.traffic_port};
  return {};
}

rollout::ServersToAsk ServersOf(const ModelObserved& o, const ModelPlan& plan) {
  rollout::ServersToAsk servers;
  servers.model = o.md.meta.name;
  servers.candidate = ServerOf(o, plan.status.candidate->version);
  if (plan.status.stable) servers.stable = ServerOf(o, plan.status.stable->version);
  return servers;
}

void AskServers(const ModelObserved& o, const api::GateSpec& check, Milliseconds interval,
                TimePoint now, ModelPlan& plan) {
  const rollout::Asked* asked = plan.evidence.AskedBy(check.Name());
  const bool due = asked == nullptr || asked->time == TimePoint{} ||
                   now - asked->time >= interval || now < asked->time;
  if (!due) return;
  plan.questions.push_back({check, ServersOf(o, plan), 0, asked == nullptr ? "" : asked->mark});
}

CheckOutcome OfSignature(const rollout::Judgement& j) {
  if (j.verdict == rollout::Verdict::kPass) return {};
  if (j.verdict == rollout::Verdict::kInconclusive)
    return {CheckEnd::kWait,
            "its signature is compared with the stable version's" +
                (j.status.message.empty() ? "" : ": " + j.status.message),
            ""};
  return {CheckEnd::kHold,
          "gets no traffic: its signature breaks the stable version's: " + j.status.message +
              "; spec.rollout.allowSignatureChange: true lets it, penstock.dev/abort ends it",
          kSignatureIncompatible};
}

// Of the pods that the candidate has now, of today's template. An answer of others may be that of
// another version, which was the candidate when it was asked.
bool IsOfCandidate(const ModelObserved& o, std::int64_t version, const rollout::Measurement& m) {
  const DeploymentFact* d = o.OfVersion(version);
  return m.pod.empty() || std::any_of(o.pods.begin(), o.pods.end(), [&](const auto& pod) {
           return pod.version == version && pod.name == m.pod && !pod.ending && d != nullptr &&
                  pod.template_hash == d->template_hash;
         });
}

// Neither well nor badly, and its time may be over.
CheckOutcome OfUndecided(const ModelObserved& o, const std::string& waits, TimePoint now,
                         const ModelPlan& plan) {
  const api::RolloutSpec& spec = o.md.spec.rollout;
  if (Names(o.md, api::kAnnotationPromote, std::to_string(plan.status.candidate->version)))
    return {};
  if (now - plan.evidence.began.value_or(now) < spec.progress_deadline)
    return {CheckEnd::kWait, waits, ""};
  const std::string late =
      "not decided within progressDeadline (" + FormatDuration(spec.progress_deadline) + "): ";
  if (spec.on_inconclusive == api::OnInconclusive::kPromote) return {};
  if (spec.on_inconclusive == api::OnInconclusive::kRollback)
    return {CheckEnd::kRefuse, late + waits, ""};
  return {CheckEnd::kHold,
          "gets no traffic: " + late + waits +
              "; it is tried again, penstock.dev/promote goes past it, penstock.dev/abort ends it",
          kChecksUndecided};
}

void TellNotCompared(const std::string& text, ModelPlan& plan) {
  const auto& c = *plan.status.candidate;
  plan.events.push_back({"Warning", "SignatureNotCompared",
                         "the signature of " + VersionText(c.version, c.digest) + " is " + text});
}

// Once, when it has come: that nothing could be compared is told where it counts as passed.
void TellIfNotCompared(const ModelObserved& o, const rollout::Judgement& j, ModelPlan& plan) {
  const std::int64_t version = plan.status.candidate->version;
  const bool news = std::any_of(o.measurements.begin(), o.measurements.end(), [&](const auto& m) {
    return m.gate == rollout::kSignatureCheck && IsOfCandidate(o, version, m);
  });
  if (news && j.verdict == rollout::Verdict::kPass &&
      j.status.message.starts_with(rollout::kNotCompared))
    TellNotCompared(j.status.message, plan);
}

CheckOutcome CheckSignature(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  const rollout::Judgement j = rollout::JudgeSignature(plan.evidence);
  plan.status.candidate->gates.push_back(j.status);
  TellIfNotCompared(o, j, plan);
  CheckOutcome outcome = OfSignature(j);
  if (j.verdict != rollout::Verdict::kInconclusive) return outcome;
  api::GateSpec check;
  check.name = rollout::kSignatureCheck;
  AskServers(o, check, kAskAgain, now, plan);
  CheckOutcome undecided = OfUndecided(o, outcome.message, now, plan);
  if (undecided.end == CheckEnd::kGoOn)
    TellNotCompared(rollout::kNotCompared + j.status.message, plan);
  return undecided;
}

// Those that can be asked: the first version has no stable one whose answers could be expected.
std::vector<api::GateSpec> RowsGatesOf(const ModelObserved& o, const ModelPlan& plan) {
  std::vector<api::GateSpec> gates;
  for (const auto& gate : o.md.spec.rollout.gates)
    if (gate.rows && (plan.status.stable || gate.rows->expect == api::RowsExpect::kRecorded))
      gates.push_back(gate);
  return gates;
}

CheckOutcome CheckRows(const ModelObserved& o, const std::vector<api::GateSpec>& gates,
                       TimePoint now, ModelPlan& plan) {
  std::string waits;
  for (const auto& gate : gates) {
    const rollout::Judgement j = rollout::JudgeRows(gate, plan.evidence);
    plan.status.candidate->gates.push_back(j.status);
    if (j.verdict == rollout::Verdict::kFail)
      return {CheckEnd::kRefuse, gate.Name() + ": " + j.status.message, ""};
    if (j.verdict == rollout::Verdict::kPass) continue;
    waits += (waits.empty() ? "" : ", ") + gate.Name() +
             (j.status.message.empty() ? "" : " (" + j.status.message + ")");
    AskServers(o, gate, gate.interval, now, plan);
  }
  return waits.empty() ? CheckOutcome() : OfUndecided(o, "waits for " + waits, now, plan);
}

}  // namespace

std::string WhyNotCompared(const api::ModelDeploymentSpec& spec) {
  if (spec.rollout.allow_signature_change) return "rollout.allowSignatureChange lets it change";
  if (spec.rollout.strategy == api::RolloutStrategy::kRecreate)
    return "strategy Recreate ends the stable version first";
  if (spec.server.protocol != api::ModelProtocol::kV2)
    return "only servers of protocol V2 tell theirs";
  return "";
}

CheckOutcome CheckBeforeTraffic(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  api::ModelVersionStatus& c = *plan.status.candidate;
  if (HasBegun(o, c.version)) return {};
  const bool signature = ComparesSignature(o, plan);
  const std::vector<api::GateSpec> rows = RowsGatesOf(o, plan);
  if (!signature && rows.empty()) return {};
  const std::int64_t stable = plan.status.stable ? plan.status.stable->version : 0;
  std::vector<std::string> checks;
  if (signature) checks.emplace_back(rollout::kSignatureCheck);
  plan.evidence.Begin({stable, c.version, rollout::kBeforeTraffic}, rows, checks);
  if (!plan.evidence.began) plan.evidence.began = now;
  for (const auto& m : o.measurements)
    if (IsOfCandidate(o, c.version, m)) plan.evidence.Add(m);
  CheckOutcome outcome = signature ? CheckSignature(o, now, plan) : CheckOutcome();
  // Rows meanwhile, so that a signature that stays undecided takes no time of theirs.
  if (outcome.end != CheckEnd::kRefuse && outcome.reason != kSignatureIncompatible) {
    CheckOutcome of_rows = CheckRows(o, rows, now, plan);
    if (outcome.end == CheckEnd::kGoOn || of_rows.end == CheckEnd::kRefuse)
      outcome = std::move(of_rows);
  }
  if (Names(o.md, api::kAnnotationAbort, std::to_string(c.version)))
    outcome = {CheckEnd::kAbort, "aborted by penstock.dev/abort", ""};
  if (outcome.end == CheckEnd::kGoOn) {
    plan.questions.clear();  // of rows that people promote past
    c.gates.clear();
    return outcome;
  }
  c.phase = api::kPhaseStarting;
  c.message = outcome.message;
  plan.requeue_after = std::min(plan.requeue_after.value_or(kLookAtChecks), kLookAtChecks);
  return outcome;
}

}  // namespace penstock::plan
