// What goes on of a run whose steps have ended: it ends when that is gone, or nobody would see to
// it. Pure.
#pragma once

#include <optional>

#include "operator/plan/run/run_steps.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

struct Leftovers {
  bool any = false;                     // a pod or run of a step that has ended
  std::optional<TimePoint> look_again;  // though nothing happens
};

// Of a run of which it is not known what it is made of: every pod and run that has not ended.
[[nodiscard]] Leftovers LeftoversOf(const RunObserved& observed, const RunSteps& steps,
                                    TimePoint now);

}  // namespace penstock::plan
