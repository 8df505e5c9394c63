#include "operator/plan/attempt/retry_plan.h"

#include <algorithm>

namespace penstock::plan {
namespace {

const char* Name(FailureClass c) {
  switch (c) {
    case FailureClass::kUser:
      return "the step's own failure";
    case FailureClass::kOutOfMemory:
      return "out of memory";
    case FailureClass::kInfrastructure:
      return "infrastructure";
    case FailureClass::kTimeout:
      return "time-out";
  }
  return "unknown";
}

std::chrono::milliseconds Backoff(const RetryBudget& budget, int retries_before) {
  std::chrono::duration<double, std::milli> wait = budget.base;
  for (int i = 0; i < retries_before && wait < budget.cap; ++i) wait *= budget.factor;
  if (wait >= budget.cap) return budget.cap;
  return std::chrono::ceil<std::chrono::milliseconds>(wait);
}

}  // namespace

RetryDecision DecideRetry(RetryPolicy policy, Spent spent, FailureClass failure) {
  const RetryBudget& budget = policy[failure];
  int& used = spent[failure];
  const std::string of = " of " + std::to_string(budget.limit) + " for " + Name(failure);
  if (used >= budget.limit) {
    return {.retry = false, .spent = spent, .reason = "no retry left" + of};
  }
  const auto wait = Backoff(budget, used);
  ++used;
  return {
      .retry = true, .wait = wait, .spent = spent, .reason = "retry " + std::to_string(used) + of};
}

}  // namespace penstock::plan
