// What is around a run, from snapshots: the runs within and above it, those that it shares locks
// with, and what people have decided of it; and of a rollout.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/plan/locks/lock_words.h"
#include "operator/plan/model/world.h"
#include "operator/plan/values/approval_words.h"

namespace penstock::controllers {

// Where the run stands among those that are within each other; their number only where they are
// `counted`.
[[nodiscard]] plan::Family FamilyOf(const Context& context, const api::PipelineRun& run,
                                    bool counted);

// What its child runs say, but for those that have ended, of items that have. `resolved` null: what
// the run is made of is not known.
[[nodiscard]] std::vector<plan::ChildFact> ChildrenOf(const Context& context,
                                                      const api::PipelineRun& run,
                                                      const EndedItems& ended = {},
                                                      const plan::ResolvedRun* resolved = nullptr);

// Keys of all runs within the one of this UID, however deep.
[[nodiscard]] std::vector<std::string> RunsWithin(const Context& context, const std::string& uid);

// --- locks and decisions

// What others hold and ask for, and what is held around this run.
[[nodiscard]] plan::LockFacts LockFactsOf(const Context& context, const api::PipelineRun& run);

// What the runs above this one hold around it.
[[nodiscard]] std::vector<plan::HeldLock> LocksAbove(const Context& context,
                                                     const api::PipelineRun& run);

// Of a run with approval steps. `wake` is called with its key when the policy for them is another.
[[nodiscard]] plan::ApprovalFacts ApprovalFactsOf(
    const Context& context, const api::PipelineRun& run,
    const std::function<void(const std::string& key)>& wake);

// Of a ModelDeployment whose rollout has such steps: fills them, and the run that made its target.
// `wake` as above.
void ObserveApprovals(const Context& context, plan::ModelObserved& observed,
                      const std::function<void(const std::string& key)>& wake);

// Asks whether the policy for Approvals is in force.
[[nodiscard]] gates::ApprovalPolicyCheck::Asker AskerOf(const Context& context);

// Keys of the runs that have something to decide after a change.
[[nodiscard]] std::vector<std::string> RunsToWake(const Snapshots& snapshots,
                                                  const std::string& ns);

// Of every lock that somebody holds or asks for.
[[nodiscard]] std::vector<gates::LockCount> CountLocks(const Snapshots& snapshots);

}  // namespace penstock::controllers
