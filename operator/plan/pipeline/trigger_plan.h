// Whether an output of another Pipeline that this one follows has become another, and has stood
// long enough. Pure.
//
//   settled --another digest--> seen, since --debounce passes--> due --a run--> settled
//                                 ^  |
//                                 +--+ yet another digest: since begins anew
//
// What is there at the first look is settled. `due` counts what the written status has seen, so
// that a run is made at most once, whatever ends in between.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

struct TriggerPlan {
  std::vector<api::TriggerStatus> statuses;  // in the order of the spec
  std::string due;                           // which output asks for a run; empty: none does
  std::string hash;                          // of all that stands now; names the run
  std::optional<TimePoint> since;            // of the newest change that asks
  std::optional<TimePoint> next;             // when a debounce ends
};

[[nodiscard]] TriggerPlan PlanTriggers(const PipelineObserved& observed, TimePoint now);

// A run has what stands now.
void Settle(TriggerPlan& plan);

}  // namespace penstock::plan
