// Whether a step is to be ended before its time: the run was cancelled, or its deadline has passed.
//
//                 steps                    finally steps
//   cancel Stop   ended with their grace   run
//   timeouts.run  ended with their grace   run
//   cancel Now    ended at once            ended at once
//
// What succeeds all the same has succeeded; the others are Cancelled. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/plan/step/world.h"

namespace penstock::plan {

inline constexpr const char* kDeadlineExceeded = "DeadlineExceeded";
// Of the finally steps of a run that was stopped while it waited for its own locks: they would wait
// for them on.
inline constexpr const char* kNeverBegan = "NeverBegan";

struct Stop {
  enum class How : std::uint8_t { kNone, kWithGrace, kAtOnce } how = How::kNone;
  std::string reason;  // of the step's status: Cancelled or DeadlineExceeded
  std::string message;
  explicit operator bool() const { return how != How::kNone; }
  [[nodiscard]] bool AtOnce() const { return how == How::kAtOnce; }
};

// When the run's steps are stopped (timeouts.run); nullopt: never, or it has not begun.
[[nodiscard]] std::optional<TimePoint> DeadlineOf(const RunObserved& observed);

[[nodiscard]] Stop StopOf(const RunObserved& observed, const ResolvedStep& step, TimePoint now);
// Of every step but those of `finally`.
[[nodiscard]] Stop StopOf(const RunObserved& observed, TimePoint now);

}  // namespace penstock::plan
