#include "operator/plan/model/model_checks.h"

#include <algorithm>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_rollout.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kLookAtChecks{2'000};
constexpr Milliseconds kAskAgain{2'000};

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

void AskForSignature(const ModelObserved& o, TimePoint now, ModelPlan& plan) {
  const rollout::Asked* asked = plan.evidence.AskedBy(rollout::kSignatureCheck);
  const bool due = asked == nullptr || asked->time == TimePoint{} ||
                   now - asked->time >= kAskAgain || now < asked->time;
  if (!due) return;
  api::GateSpec check;
  check.name = rollout::kSignatureCheck;
  plan.questions.push_back({check, ServersOf(o, plan)});
}

CheckOutcome OfSignature(const rollout::Judgement& j) {
  if (j.verdict == rollout::Verdict::kPass) return {};
  if (j.verdict == rollout::Verdict::kInconclusive)
    return {CheckEnd::kWait, "its signature is compared with the stable version's" +
                                 (j.status.message.empty() ? "" : ": " + j.status.message)};
  return {CheckEnd::kHold,
          "gets no traffic: its signature breaks the stable version's: " + j.status.message +
              "; spec.rollout.allowSignatureChange: true lets it, penstock.dev/abort ends it"};
}

// Once, when it has come: that nothing could be compared is told where it counts as passed.
void TellIfNotCompared(const ModelObserved& o, const rollout::Judgement& j, ModelPlan& plan) {
  const bool news = std::any_of(o.measurements.begin(), o.measurements.end(), [](const auto& m) {
    return m.gate == rollout::kSignatureCheck;
  });
  if (!news || j.verdict != rollout::Verdict::kPass ||
      !j.status.message.starts_with("not compared"))
    return;
  const auto& c = *plan.status.candidate;
  plan.events.push_back({"Warning", "SignatureNotCompared",
                         "the signature of " + VersionText(c.version, c.digest) + " is " +
                             j.status.message});
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
  if (HasBegun(o, c.version) || !ComparesSignature(o, plan)) return {};
  plan.evidence.Begin({plan.status.stable->version, c.version, rollout::kBeforeTraffic}, {},
                      {rollout::kSignatureCheck});
  for (const auto& m : o.measurements) plan.evidence.Add(m);
  const rollout::Judgement j = rollout::JudgeSignature(plan.evidence);
  TellIfNotCompared(o, j, plan);
  CheckOutcome outcome = OfSignature(j);
  if (outcome.end == CheckEnd::kGoOn) return outcome;
  c.phase = api::kPhaseStarting;
  c.message = outcome.message;
  c.gates = {j.status};
  if (Names(o.md, api::kAnnotationAbort, std::to_string(c.version)))
    return {CheckEnd::kAbort, "aborted by penstock.dev/abort"};
  if (outcome.end == CheckEnd::kWait) AskForSignature(o, now, plan);
  plan.requeue_after = std::min(plan.requeue_after.value_or(kLookAtChecks), kLookAtChecks);
  return outcome;
}

}  // namespace penstock::plan
