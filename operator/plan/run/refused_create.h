// A pod or run that the API server would not take. Pure.
#pragma once

#include <cstdint>

#include "operator/base/time.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

enum class Again : std::uint8_t { kNow, kLater, kNever };

// Whether it is asked for again. Puts the refusal into the step's status and when it is to be
// looked at; finishes the step that has waited long enough (kNever).
[[nodiscard]] Again JudgeRefusal(StepState& s, const CreateRefusal& refusal, TimePoint now);

}  // namespace penstock::plan
