#include "operator/plan/rollout/decision.h"

#include <algorithm>

namespace penstock::rollout {
namespace {

constexpr int kExperimentEvidence = -2;  // no step's, nor kBeforeTraffic

using api::OnInconclusive;
using api::RolloutStrategy;

std::string OfGate(const api::GateStatus& g) {
  std::string text = g.name;
  if (!g.value.empty()) text += " is " + g.value;
  if (!g.lower.empty() && !g.upper.empty())
    text += " (surely between " + g.lower + " and " + g.upper + ")";
  else if (!g.lower.empty())
    text += " (surely above " + g.lower + ")";
  if (!g.message.empty()) text += ": " + g.message;
  return text;
}

std::string NamesOf(const std::vector<Judgement>& gates, Verdict verdict) {
  std::string names;
  for (const Judgement& j : gates)
    if (j.verdict == verdict) names += (names.empty() ? "" : ", ") + j.status.name;
  return names;
}

std::string TextOf(const Stage& stage) {
  if (stage.kind == StageKind::kExperiment) return "the experiment with " + stage.shadow;
  if (stage.kind == StageKind::kShadow) return "the shadow of " + stage.shadow;
  if (stage.kind == StageKind::kPreview) return "the preview";
  return "step " + std::to_string(stage.step) + " (" + stage.weight + ")";
}

Decision WaitForPeople(std::string message) { return {Move::kStay, true, std::move(message)}; }

Decision DecideUndecided(const api::RolloutSpec& spec, const Stage& stage,
                         const std::string& undecided) {
  const std::string message = TextOf(stage) + " is not decided within progressDeadline (" +
                              FormatDuration(spec.progress_deadline) +
                              ") after its hold: " + undecided;
  if (spec.on_inconclusive == OnInconclusive::kRollback) return {Move::kRollBack, false, message};
  if (spec.on_inconclusive == OnInconclusive::kPromote) return {Move::kNext, false, message};
  return WaitForPeople(message);
}

}  // namespace

std::vector<Stage> StagesOf(const api::RolloutSpec& spec) {
  std::vector<Stage> stages;
  if (spec.strategy == RolloutStrategy::kRecreate) return stages;
  if (spec.experiment) {
    const std::string& share = spec.experiment->percent;
    stages.push_back({StageKind::kExperiment, 0, "0%", share.empty() ? "100%" : share,
                      spec.experiment->hold, "", kExperimentEvidence});
  }
  if (spec.shadow) {
    const std::string& share = spec.shadow->percent;
    stages.push_back(
        {StageKind::kShadow, 0, "0%", share.empty() ? "100%" : share, spec.shadow->hold, "", 0});
  }
  if (spec.strategy == RolloutStrategy::kBlueGreen) {
    const bool judged = std::any_of(spec.gates.begin(), spec.gates.end(),
                                    [](const api::GateSpec& gate) { return !gate.rows; });
    if (!spec.auto_promote || judged)
      stages.push_back({StageKind::kPreview, 0, "0%", "", Milliseconds(0), "", 1});
    return stages;
  }
  std::string weight = "0%";
  int evidence = 0;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const api::RolloutStep& s = spec.steps[i];
    const int step = static_cast<int>(i) + 1;
    if (!s.weight.empty()) {
      weight = s.weight;
      evidence = step;
    }
    const StageKind kind = s.pause      ? StageKind::kPause
                           : s.approval ? StageKind::kApproval
                                        : StageKind::kWeight;
    const std::string message = s.pause ? s.pause->message : s.approval ? s.approval->message : "";
    stages.push_back({kind, step, weight, "", s.hold, message, evidence});
  }
  return stages;
}

std::optional<std::size_t> StageOf(const std::vector<Stage>& stages, const std::string& phase,
                                   int step) {
  if (stages.empty() || phase.empty() || phase == api::kPhaseStarting) return std::nullopt;
  if (phase == api::kPhasePromoting) return stages.size() - 1;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const Stage& s = stages[i];
    const bool named = s.kind == StageKind::kExperiment ? phase == api::kPhaseExperiment
                       : s.kind == StageKind::kShadow   ? phase == api::kPhaseShadow
                       : s.kind == StageKind::kPreview  ? phase == api::kPhasePreview
                                                        : s.step == step;
    if (named) return i;
  }
  return step > 0 ? stages.size() - 1 : 0;
}

const char* PhaseOf(const Stage& stage, bool waits) {
  if (stage.kind == StageKind::kExperiment) return api::kPhaseExperiment;
  if (stage.kind == StageKind::kShadow) return api::kPhaseShadow;
  if (stage.kind == StageKind::kPreview) return api::kPhasePreview;
  const bool people = stage.kind == StageKind::kPause || stage.kind == StageKind::kApproval;
  return waits || people ? api::kPhasePaused : api::kPhaseStep;
}

std::vector<Judgement> JudgeStage(const api::RolloutSpec& spec, const Stage& stage,
                                  const Evidence& evidence) {
  int stages = 0;
  for (const Stage& s : StagesOf(spec))
    stages += s.kind == StageKind::kPause || s.kind == StageKind::kApproval ? 0 : 1;
  const auto* compare = spec.shadow && spec.shadow->compare ? &*spec.shadow->compare : nullptr;
  const bool both =
      compare != nullptr && !compare->max_flips.empty() && !compare->max_shift.empty();
  const double alpha = kFalseRollback / static_cast<double>(spec.gates.size() + (both ? 2 : 1)) /
                       static_cast<double>(std::max(stages, 1));
  std::vector<Judgement> all;
  if (stage.kind == StageKind::kShadow && compare != nullptr) {
    if (!compare->max_flips.empty()) all.push_back(JudgeFlips(*compare, evidence, alpha));
    if (!compare->max_shift.empty()) all.push_back(JudgeShift(*compare, evidence, alpha));
  }
  const bool traffic = NumberOf(stage.weight) > 0 || stage.kind == StageKind::kExperiment;
  for (const auto& gate : spec.gates)
    if (gate.IsAsked() || (traffic && !gate.rows)) all.push_back(Judge(gate, evidence, alpha));
  return all;
}

namespace {

// The first step from here on that people have yet to approve; 0: none.
int NextApproval(const api::RolloutSpec& spec, const Stage& stage, const Situation& s) {
  const bool given = stage.kind == StageKind::kApproval && s.approval == ApprovalState::kApproved;
  for (const Stage& next : StagesOf(spec))
    if (next.kind == StageKind::kApproval && next.step >= stage.step + (given ? 1 : 0))
      return next.step;
  return 0;
}

// Where nothing rolls back and nobody promotes.
Decision DecideStep(const api::RolloutSpec& spec, const Stage& stage, const Situation& s,
                    const std::vector<Judgement>& gates) {
  if (!s.paused.empty()) return WaitForPeople(TextOf(stage) + " is paused by " + s.paused);
  if (stage.kind == StageKind::kPause) {
    if (s.resume) return {Move::kNext, false, ""};
    return WaitForPeople("step " + std::to_string(stage.step) + " is a pause" +
                         (stage.message.empty() ? "" : ": " + stage.message));
  }
  if (stage.kind == StageKind::kApproval) {
    if (s.approval == ApprovalState::kApproved) return {Move::kNext, false, ""};
    return {Move::kStay, true, "step " + std::to_string(stage.step) + ": " + s.approval_text,
            s.approval_reason};
  }
  if (s.since < stage.hold)
    return {Move::kStay, false, TextOf(stage) + " is held for " + FormatDuration(stage.hold)};
  const std::string undecided = NamesOf(gates, Verdict::kInconclusive);
  if (undecided.empty()) {
    if (stage.kind != StageKind::kPreview || spec.auto_promote) return {Move::kNext, false, ""};
    return WaitForPeople("it is a preview until penstock.dev/promote names it");
  }
  if (s.since < std::max(stage.hold, s.unseen) + spec.progress_deadline)
    return {Move::kStay, false, TextOf(stage) + " waits for " + undecided};
  if (s.resume) return {Move::kNext, false, ""};
  return DecideUndecided(spec, stage, undecided);
}

}  // namespace

Decision Decide(const api::RolloutSpec& spec, const Stage& stage, const Situation& s,
                const std::vector<Judgement>& gates) {
  if (s.abort) return {Move::kRollBack, false, "aborted by penstock.dev/abort"};
  if (!s.ejected.empty()) return {Move::kRollBack, false, s.ejected};
  for (const Judgement& j : gates)
    if (j.verdict == Verdict::kFail) return {Move::kRollBack, false, OfGate(j.status)};
  const bool asks = stage.kind == StageKind::kApproval;
  if (asks && s.approval == ApprovalState::kRejected)
    return {Move::kRollBack, false, s.approval_text};
  const int approval = s.promote ? NextApproval(spec, stage, s) : 0;
  if (s.promote && approval == 0) {
    if (s.available) return {Move::kPromote, false, ""};
    return {Move::kStay, false, "is promoted when all of its pods are Ready"};
  }
  Decision decision = DecideStep(spec, stage, s, gates);
  if (approval > 0 && decision.move == Move::kStay)
    decision.message += "; penstock.dev/promote does not go past step " + std::to_string(approval) +
                        ", which people approve";
  return decision;
}

}  // namespace penstock::rollout
