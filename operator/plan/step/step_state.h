// One step of a run while its run is planned: where it stands, and the few ways in which it comes
// to stand elsewhere. Pure.
//
//   final    Succeeded, Failed, Skipped, Cancelled: stays
//   live     a pod is there, or facts about it are on their way: nothing to start
//   idle     no live pod: may start its next attempt when its time has come
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/time.h"
#include "operator/plan/attempt/retry_plan.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/step/world.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

struct StepState {
  const ResolvedStep* step = nullptr;
  const api::StepStatus* prior = nullptr;  // of the status as it was read; null: none
  api::StepStatus status;                  // as it is now
  std::optional<LoopItem> item;            // of a looped step, which has a state for each
  enum class Kind : std::uint8_t { kFinal, kLive, kIdle } kind = Kind::kIdle;
  bool occupies = false;                // has a pod that uses a place under parallelism
  bool ending = false;                  // its pod has ended, and only the store knows how (kLive)
  bool made = false;                    // this plan makes its pod or run (kIdle)
  Spent spent;                          // what the next attempt's pod carries (kIdle)
  std::optional<TimePoint> not_before;  // of the next attempt (kIdle)
  std::optional<TimePoint> wake;        // when to plan again, whatever happens
  std::string damaged;                  // kIdle after a failure: digest of a damaged input
  std::optional<TimePoint> ended;       // of the newest attempt
  bool skip_cache = false;              // its cache entry is damaged
  bool reopened = false;                // it has succeeded, and what it gave is looked for (kIdle)
  bool newly_failed = false;
  std::optional<Refusal> delete_refused;  // of a pod of the step that nobody needs any more
};

inline constexpr const char* kStarting = "Starting";
// Of a step that has succeeded: it was not run, but is as the run of spec.rerun has it.
inline constexpr const char* kTaken = "Taken";
inline constexpr const char* kStoreUnavailable = "StoreUnavailable";

// "spec.suspend is true", of this run or of one above it.
[[nodiscard]] std::string WhySuspended(const RunObserved& observed);

// It waits for something that is wrong and may come right: its reason and message say what.
[[nodiscard]] bool IsInTrouble(const StepState& s);

// For a step that cannot go on before the store answers what it was asked (RunObserved's
// store_trouble): where something keeps it from that the step says so. True: it does.
bool ShowStoreTrouble(StepState& s, const std::string& what, const RunObserved& observed,
                      const std::string& asked);

// What an idle step waits for. The status carries it as a word.
enum class Hold : std::uint8_t {
  kNone,
  kSuspended,
  kDependencies,
  kFingerprint,  // of its sources
  kCacheLookup,
  kFollowing,    // another run makes the same
  kLocked,       // who holds it is in the message
  kParallelism,  // a place of the run's own
  kQueued,       // the next plan: this one has made enough
  kPodLimit,     // a pod of the namespace to end: the platform bounds them
};
[[nodiscard]] const char* Name(Hold hold);
// As a status says it; null: there is none.
[[nodiscard]] Hold HoldOf(const api::StepStatus* status);

// A step whose last attempt failed keeps saying why, and when it is tried again.
void Wait(StepState& s, Hold hold, const std::string& message = "");

inline constexpr std::size_t kMaxStepMessage = 2'400;  // an attempt's, and what is made of it

// "Pod first-a-1 could not be deleted: the API server's sentence; it is tried again", shown.
[[nodiscard]] std::string TextOf(const Refusal& delete_refused);

// The first that has a pod which nobody needs any more and the API server does not let go: the one
// of which the run's conditions tell. Null: none.
[[nodiscard]] const StepState* WithRefusedDelete(const std::vector<StepState>& steps);

// Marks a step as ended now.
void Finish(StepState& s, api::StepPhase phase, const std::string& reason,
            const std::string& message, TimePoint when);
// As Finish with what an attempt or the cache gave.
void Succeed(StepState& s, const Receipt& receipt, TimePoint when);

}  // namespace penstock::plan
