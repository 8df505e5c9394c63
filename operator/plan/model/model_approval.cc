#include "operator/plan/model/model_approval.h"

#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/plan/model/model_history.h"
#include "operator/plan/values/approval_verdict.h"

namespace penstock::plan {
namespace {

using rollout::ApprovalState;

constexpr std::size_t kMostOfText = 900;

std::string NamesOf(const std::vector<std::string>& people) {
  std::string text;
  for (const std::string& one : people) text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::string TimeOutText(const api::ApprovalStep& step, const ApprovalVerdict& verdict) {
  const std::string who =
      verdict.by.empty() ? "nobody has decided" : "only " + NamesOf(verdict.by) + " approved";
  return who + " within " + FormatDuration(*step.timeout) + " (approval.timeout)";
}

// False: nobody could have said no, so that nobody's silence lets it go on.
bool EndAtTimeOut(const api::ApprovalStep& step, const ApprovalVerdict& verdict,
                  const std::string& unbound, rollout::Situation& situation) {
  const bool asks = step.on_timeout == api::ApprovalTimeout::kApprove;
  if (asks && !unbound.empty()) return false;
  const std::string no_consent = WhyNoConsent(verdict, unbound);
  const bool goes_on = asks && no_consent.empty();
  situation.approval = goes_on ? ApprovalState::kApproved : ApprovalState::kRejected;
  situation.approval_timed_out = true;
  situation.approval_text = TimeOutText(step, verdict);
  if (asks) situation.approval_text += "; " + (goes_on ? "onTimeout: Approve" : no_consent);
  return true;
}

// The submitter of the run that made the candidate, where that run is known still.
const api::ObjectMeta* MakerOf(const ModelObserved& o, const api::ModelVersionStatus& c) {
  const bool known = o.target_maker && !c.run.empty() && o.target_maker->name == c.run;
  return known ? &*o.target_maker : nullptr;
}

}  // namespace

std::optional<api::ApprovalStep> ApprovalStepOf(const api::RolloutSpec& spec, int number) {
  if (number < 1 || static_cast<std::size_t>(number) > spec.steps.size()) return std::nullopt;
  const auto& approval = spec.steps[static_cast<std::size_t>(number) - 1].approval;
  if (!approval) return std::nullopt;
  api::ApprovalStep step;
  step.message = approval->message;
  step.approvers = approval->approvers;
  step.need = approval->need;
  step.not_by_submitter = approval->not_by_submitter;
  step.timeout = approval->timeout;
  step.on_timeout = approval->on_timeout;
  return step;
}

bool TakesApprovals(const api::ModelDeployment& md) {
  const auto& steps = md.spec.rollout.steps;
  return std::any_of(steps.begin(), steps.end(),
                     [](const api::RolloutStep& step) { return step.approval.has_value(); });
}

bool HasMade(const api::PipelineRunStatus& run, const std::string& digest) {
  const auto is_it = [&](const auto& output) { return output.digest == digest; };
  const auto has_it = [&](const auto& of) {
    return std::any_of(of.outputs.begin(), of.outputs.end(), is_it);
  };
  return has_it(run) || std::any_of(run.steps.begin(), run.steps.end(), has_it);
}

void JudgeApprovalStage(const ModelObserved& o, const rollout::Stage& stage, TimePoint now,
                        const ModelPlan& plan, rollout::Situation& situation) {
  if (stage.kind != rollout::StageKind::kApproval) return;
  const auto step = ApprovalStepOf(o.md.spec.rollout, stage.step);
  if (!step) return;
  const api::ModelVersionStatus& c = *plan.status.candidate;
  const TimePoint begun = c.step_since.value_or(now);
  const auto end = step->timeout ? std::optional(begun + *step->timeout) : std::nullopt;
  const ApprovalSubject subject{o.md.meta, c.version, MakerOf(o, c)};
  const ApprovalVerdict verdict =
      JudgeApprovals(*step, std::to_string(stage.step), subject, o.approvals, begun, end);
  if (verdict.kind == ApprovalVerdict::Kind::kApproved) {
    situation.approval = ApprovalState::kApproved;
    situation.approval_text = "approved by " + NamesOf(verdict.by);
  } else if (verdict.kind == ApprovalVerdict::Kind::kRejected) {
    situation.approval = ApprovalState::kRejected;
    situation.approval_text =
        "rejected by " + verdict.by.front() +
        (verdict.comment.empty() ? "" : ": " + Shown(verdict.comment, kMostOfText));
  } else {
    const std::string unbound = WhyUnbound(o.approvals.policy, now);
    const bool late = end && now >= *end && situation.paused.empty();
    if (late && EndAtTimeOut(*step, verdict, unbound, situation)) return;
    std::string text = WaitText(*step, step->message, verdict, unbound);
    if (late) text += "; its time is over: " + WhyNoConsent(verdict, unbound);
    situation.approval_reason = WaitReason(verdict, unbound);
    situation.approval_text = Shown(text, kMostOfText);
  }
}

void TellApproval(const rollout::Stage& stage, const rollout::Situation& situation,
                  const rollout::Decision& decision, ModelPlan& plan) {
  if (stage.kind != rollout::StageKind::kApproval) return;
  const bool late = situation.approval_timed_out;
  const bool ends =
      decision.move == rollout::Move::kNext || (late && decision.move == rollout::Move::kRollBack);
  if (!ends) return;
  const api::ModelVersionStatus& c = *plan.status.candidate;
  const std::string step =
      "step " + std::to_string(stage.step) + " of " + VersionText(c.version, c.digest);
  plan.events.push_back({late ? "Warning" : "Normal", late ? "ApprovalTimeout" : "Approved",
                         step + (late ? ": " : " is ") + situation.approval_text});
}

}  // namespace penstock::plan
