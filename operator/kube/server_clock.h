// The API server's time, told from the Date of its answers.
//
// Objects carry times that the API server stamped (creationTimestamp, deletionTimestamp). An age is
// the difference of two times of one clock, so the operator's "now" is the API server's too: a
// machine whose own clock is ten minutes off decides as any other. Waits go by the steady clock as
// ever. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "operator/base/time.h"

namespace penstock::kube {

class ServerClock : public Clock {
 public:
  // Below this it is not told apart from the way of an answer, whose Date is in whole seconds.
  static constexpr Milliseconds kTolerance{2'500};

  // `changed` is called with by how much the API server is ahead of `own`, whenever another
  // difference is found. `own` must outlive the clock.
  explicit ServerClock(const Clock& own, std::function<void(Milliseconds)> changed = {})
      : own_(own), changed_(std::move(changed)) {}

  [[nodiscard]] TimePoint Now() const override { return own_.Now() + Milliseconds(ahead_.load()); }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return own_.Steady();
  }

  // The Date header of an answer that has just come in ("Sun, 06 Nov 1994 08:49:37 GMT"); anything
  // else says nothing.
  void Note(std::string_view date);

 private:
  const Clock& own_;
  const std::function<void(Milliseconds)> changed_;
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace penstock::kube
