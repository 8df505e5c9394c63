// What comes next for a looped step: its list, items that start, what is said of it, its end. Pure.
#pragma once

#include <functional>
#include <optional>

#include "operator/plan/run/loop_state.h"
#include "operator/plan/values/dependency.h"

namespace penstock::plan {

// What the planner of the run does for a loop.
struct LoopHost {
  const RunObserved& observed;
  TimePoint now;
  RunPlan& plan;
  // Whether what the step depends on has ended or serves: without it no attempt begins.
  bool may_start = true;
  // The same, but that daemons need not serve: what the list is made of is there.
  bool may_list = true;
  // Of a step whose items have begun: why no other will begin any more.
  std::optional<SkipReason> lost = {};
  // The value of a reference in the list; of the last that has none: whether a step has not given
  // it, rather than that what it gave has no such field or item.
  Lookup lookup = {};
  bool result_absent = false;
  // What comes next for an idle item, as for any step; true: a pod is made for it, or held up.
  std::function<bool(StepState& item)> advance = {};
};

// Of a step that is not final.
void AdvanceLoop(StepState& s, LoopState& loop, const LoopHost& host);

}  // namespace penstock::plan
