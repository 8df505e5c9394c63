// What a step's pods, its receipts and its status say of it: facts, before anything is decided or
// done (step_plan.h). Pure; points into what was observed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "operator/plan/attempt/attempt.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

struct StepFacts {
  enum class Kind : std::uint8_t {
    kFresh,           // no attempt was ever made
    kEnded,           // its status says how
    kFailureCounted,  // its status says when the next attempt may start; the pod is gone
    kLive,            // its pod is there and has not ended
    kPodUnknown,      // its pod is not in the cache: only the API server knows whether it is gone
    kEndUnknown,      // its pod has ended or is gone: only the store knows how
    kSucceeded,
    kFailed,
  };
  Kind kind = Kind::kFresh;
  const ResolvedStep* step = nullptr;
  const api::StepStatus* prior = nullptr;  // of the status as it was read; null: none
  const PodFact* pod = nullptr;            // of the newest attempt; null: it is not there
  Judgement judgement;                     // of kSucceeded and kFailed
  bool pod_lags = false;                   // kPodUnknown: the API server has it, the cache does not
  bool over = false;                       // of a daemon: nobody needs it any more
  std::vector<const PodFact*> useless;     // pods that go on all the same
};

// `pods` are the step's.
[[nodiscard]] StepFacts ObserveStep(const RunObserved& observed, const ResolvedStep& step,
                                    const api::StepStatus* prior,
                                    const std::vector<const PodFact*>& pods, TimePoint now);

// When a pod is to be looked at again though nothing happens: one that is being deleted counts as
// lost then, because its kubelet does not answer any more; one whose step has failed and whose
// other containers go on is judged then without its own word.
[[nodiscard]] std::optional<TimePoint> LookAgainAt(const PodFact& pod);

}  // namespace penstock::plan
