// Whether a step that could start has to: the cache may hold what it would make, or another run be
// making it. Pure.
#pragma once

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// True: it has to be started; `spec` has got its key and the fingerprints of its sources. False:
// the state says why, and what is not known is asked.
[[nodiscard]] bool MustStart(StepState& s, AttemptSpec& spec, const RunObserved& observed,
                             TimePoint now, FactRequests& requests);

// The word in cacheMiss of a step that said so of its outputs; the step's own reason follows.
inline constexpr const char* kNotReusable = "NotReusable";

// The word of a step that spec.rerun.from asks for anew: the cache was not asked.
inline constexpr const char* kRerun = "Rerun";

// Which of the step's sources has no fingerprint and why, in a word and a sentence; empty where all
// have one, or nothing more is known.
[[nodiscard]] std::string WhySilent(const std::vector<TaskInput>& inputs,
                                    const RunObserved& observed);
// Before its inputs are known: by those that the manifest names.
[[nodiscard]] std::string WhySilent(const ResolvedStep& step, const RunObserved& observed);

}  // namespace penstock::plan
