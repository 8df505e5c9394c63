// Of a run that does another one again (spec.rerun): which steps it takes as that run has them, and
// which run anew. Pure.
//
// Again are made: steps that did not succeed there, those of `from`, those that are others now (a
// parameter that changed, a newer Pipeline, another output that a Pipeline published), those whose
// output is gone from the store and is read again, finally steps, approvals, steps that are
// Pipelines, those that share a volume of the run with one of them, and whatever depends on one of
// them. With `latest` also those whose image no digest names. All others that succeeded are taken.
//
//   An approval is of a run, and holds for no other one.
//   What a Pipeline within is made of, and who approved what there, the run does not know.
//   A daemon is taken where none of those that use it is made again.
//   A skipped step is looked at again: what it depends on decides the same, or is made again too.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Something of it has begun or was taken: what the run takes of another one is decided. The status
// is to be as it was read.
[[nodiscard]] bool AnyBegun(const api::PipelineRun& run);

// Those that run anew, whatever the cache holds: `from`, and all that depend on them.
[[nodiscard]] std::set<std::string> StepsAnew(const ResolvedRun& resolved,
                                              const std::vector<std::string>& from);

// "there is no step x; there is a, b, c", where `from` names one that there is not; else "".
[[nodiscard]] std::string UnknownFrom(const ResolvedRun& resolved,
                                      const std::vector<std::string>& from);

// Steps of `now` that `former` does not have, or has otherwise, in their order. What a Pipeline had
// published when they were resolved counts.
[[nodiscard]] std::vector<std::string> ChangedSteps(const ResolvedRun& former,
                                                    const ResolvedRun& now);

struct TakenSteps {
  bool known = false;                            // false: the store is asked for outputs
  std::map<std::string, api::StepStatus> steps;  // as they stand in this run
};
// With RunObserved::former and `resolved`. Asks whether outputs that are read again are there.
[[nodiscard]] TakenSteps TakeFromFormer(const RunObserved& observed, TimePoint now,
                                        FactRequests& requests);

}  // namespace penstock::plan
