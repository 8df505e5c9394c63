// One step of a run: what its pods, receipts and status say (ObserveStep), and what comes next when
// it has no live pod (RunPlanner::Advance in run_plan.cc). Pure.
//
//   final    Succeeded, Failed, Skipped, Cancelled: stays
//   live     a pod is there, or facts about it are on their way: nothing to start
//   idle     no live pod: may start its next attempt when its time has come
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/run/attempt.h"
#include "operator/plan/run/run_plan.h"

namespace penstock::plan {

struct StepState {
  const ResolvedStep* step = nullptr;
  const api::StepStatus* prior = nullptr;  // of the status as it was read; null: none
  api::StepStatus status;                  // as it is now
  enum class Kind : std::uint8_t { kFinal, kLive, kIdle } kind = Kind::kIdle;
  bool occupies = false;                // has a pod that uses a place under parallelism
  Spent spent;                          // what the next attempt's pod carries (kIdle)
  std::optional<TimePoint> not_before;  // of the next attempt (kIdle)
  std::optional<TimePoint> wake;        // when to plan again, whatever happens
  std::string damaged;                  // kIdle after a failure: digest of a damaged input
  std::optional<TimePoint> ended;       // of the newest attempt
  bool skip_cache = false;              // its cache entry is damaged
  bool newly_failed = false;
};

// `pods` are the step's. Appends what has to be done and asked.
[[nodiscard]] StepState ObserveStep(const RunObserved& observed, const ResolvedStep& step,
                                    const api::StepStatus* prior,
                                    const std::vector<const PodFact*>& pods, TimePoint now,
                                    RunPlan& plan);

[[nodiscard]] RetryPolicy PolicyOf(const api::RetrySpec& retry);
[[nodiscard]] Milliseconds PendingLimit(const ResolvedStep& step);

// Marks a step as ended now.
void Finish(StepState& s, api::StepPhase phase, const std::string& reason,
            const std::string& message, TimePoint when);
// As Finish with what an attempt or the cache gave.
void Succeed(StepState& s, const Receipt& receipt, TimePoint when);

// As a time is read back from an object: whole seconds.
[[nodiscard]] inline TimePoint Seconds(TimePoint t) {
  return std::chrono::floor<std::chrono::seconds>(t);
}

}  // namespace penstock::plan
