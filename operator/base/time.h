// Time: points, a clock that tests can move, RFC 3339 text and Gateway API durations.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock {

using TimePoint = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// What time it is. Passed in by constructors; nothing else asks the system. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint Now() const = 0;  // for stamps; may jump
  [[nodiscard]] virtual std::chrono::steady_clock::time_point Steady() const = 0;  // for waits
};

class SystemClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::now();
  }
};

// "2026-11-21T03:40:00Z", the form of metav1.Time; fractions of a second are cut.
[[nodiscard]] std::string FormatTime(TimePoint t);
// The same with microseconds, the form of metav1.MicroTime (leases, events).
[[nodiscard]] std::string FormatMicroTime(TimePoint t);
// Accepts both forms and numeric offsets, of the years 1678 to 2261.
[[nodiscard]] Result<TimePoint> ParseTime(std::string_view text);

// Gateway API's duration (GEP-2257): up to four numbers of at most five digits with the units
// h, m, s, ms in that order ("1h30m", "500ms", "0s").
[[nodiscard]] Result<Milliseconds> ParseDuration(std::string_view text);
[[nodiscard]] std::string FormatDuration(Milliseconds d);

}  // namespace penstock
