// A step of a rollout that people decide. Their decisions are judged as those of a run's step are
// (plan/values/approval_verdict.h). Pure.
#pragma once

#include "operator/plan/model/world.h"
#include "operator/plan/rollout/decision.h"

namespace penstock::plan {

// Fills what people say of the plan's candidate; nothing in a stage of another kind. `situation`
// says whether it is paused: then no time ends.
void JudgeApprovalStage(const ModelObserved& observed, const rollout::Stage& stage, TimePoint now,
                        const ModelPlan& plan, rollout::Situation& situation);

// Adds the event of an approval that lets the candidate go on, or that ends at its timeout.
void TellApproval(const rollout::Stage& stage, const rollout::Situation& situation,
                  const rollout::Decision& decision, ModelPlan& plan);

// The run has these bytes among its outputs. Whoever registers a version names its run as they
// like.
[[nodiscard]] bool HasMade(const api::PipelineRunStatus& run, const std::string& digest);

// Decisions are looked for.
[[nodiscard]] bool TakesApprovals(const api::ModelDeployment& md);

// The spec of step `number` (from 1) as a run's would be; nullopt: it is no approval.
[[nodiscard]] std::optional<api::ApprovalStep> ApprovalStepOf(const api::RolloutSpec& spec,
                                                              int number);

}  // namespace penstock::plan
