// Decides what happens after an attempt of a step has ended.
//
// Pure: no clock, no I/O, no Kubernetes client. The caller gathers the facts,
// this decides, the caller acts. Safe to call from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace penstock::plan {

// Why an attempt ended. Each class spends a budget of its own, so that a
// drained node never costs the user one of their retries.
enum class FailureClass : std::uint8_t { kUser, kOutOfMemory, kInfrastructure, kTimeout };

// One T a failure class.
template <typename T>
struct ByFailureClass {
  T user{};
  T out_of_memory{};
  T infrastructure{};
  T timeout{};

  constexpr T& operator[](FailureClass c) {
    switch (c) {
      case FailureClass::kOutOfMemory:
        return out_of_memory;
      case FailureClass::kInfrastructure:
        return infrastructure;
      case FailureClass::kTimeout:
        return timeout;
      case FailureClass::kUser:
        break;
    }
    return user;
  }
};

// How often a class may be tried again, and how long to wait before it.
struct RetryBudget {
  int limit = 0;                          // retries, not attempts
  std::chrono::milliseconds base{1'000};  // the wait before the first retry
  std::chrono::milliseconds cap{60'000};  // no wait is longer
  double factor = 2;                      // of a wait to the one before it; 1 or more
};

// As resolved from the step, its Component and the defaults.
using RetryPolicy = ByFailureClass<RetryBudget>;

// What earlier attempts have spent. Carried on the attempt's pod, so that the
// newest pod alone restores it after a restart.
using Spent = ByFailureClass<int>;

struct RetryDecision {
  bool retry = false;
  std::chrono::milliseconds wait{0};  // from the end of the attempt
  Spent spent;                        // what the next attempt's pod carries
  std::string reason;                 // one line for status and event
};

// Decides after an attempt that failed with `failure`, given what was `spent`
// before it. Waits grow by `factor` from `base` up to `cap`. Never retries past a limit.
[[nodiscard]] RetryDecision DecideRetry(RetryPolicy policy, Spent spent, FailureClass failure);

}  // namespace penstock::plan
