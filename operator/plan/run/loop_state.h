// A looped step while its run is planned: one StepState for what the run's status says, and a
// StepState for each item that has an attempt and has not ended. How items have ended stands in the
// status as ranges of indexes and nowhere else, so that a visit costs what goes on, not what is
// over. Pure.
//
//   item:  (nothing) --attempt or cache--> active --> Succeeded | Failed | Skipped | Cancelled
//   loop:  all items ended, or no more can help --> gathered --> Succeeded | Failed | Skipped
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

struct LoopState {
  enum class End : std::uint8_t { kNone, kSucceeded, kFailed, kSkipped, kCancelled };
  std::vector<End> ends;                  // by item
  std::map<int, StepState> active;        // with an attempt or facts about one; not ended
  std::map<int, api::StepStatus> priors;  // what the active ones' states point to
  // The list; null: a step of the run makes it and has not, or makes it anew.
  std::shared_ptr<const std::vector<Json>> items;
  int cached = 0;    // of those that succeeded
  int occupied = 0;  // places under the loop's parallelism
  std::vector<std::string> first_failures;
  std::string trouble;  // of the first item whose run goes on and says so

  // Takes up how items have ended by the status.
  void Read(const api::ItemsStatus& items);
  [[nodiscard]] std::size_t Count(End end) const;
  // The indexes of the items that ended so, as a status has them.
  [[nodiscard]] std::string Indexes(End end) const;
  // `held`: places of items without a pod.
  [[nodiscard]] bool IsFull(const ResolvedStep& step, int held) const {
    return step.loop->spec.parallelism && occupied + held >= *step.loop->spec.parallelism;
  }
};

inline constexpr std::size_t kMaxFirstFailures = 3;

// What pods, receipts and status say of the items; `pods` are the step's. Items that have ended
// since the status was written end here; deletes and questions go into the plan. Gives the step's
// own state: final where the status says so, else idle.
[[nodiscard]] StepState ObserveLoop(const RunObserved& observed, const ResolvedStep& step,
                                    const api::StepStatus* prior,
                                    const std::vector<const PodFact*>& pods, TimePoint now,
                                    RunPlan& plan, LoopState& loop);

// Writes down how an item has ended: `item.kind` is final.
void EndItem(const RunObserved& observed, int index, const StepState& item, RunPlan& plan,
             LoopState& loop);

}  // namespace penstock::plan
