#include "operator/plan/attempt/retry_plan.h"

#include <gtest/gtest.h>

#include "operator/plan/attempt/step_retry.h"

namespace penstock::plan {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy kPolicy{
    .user = {.limit = 2, .base = milliseconds(100), .cap = milliseconds(150)},
    .infrastructure = {.limit = 5},
};

TEST(DecideRetry, AnEvictionDoesNotSpendTheUsersBudget) {
  const auto d = DecideRetry(kPolicy, {.user = 1}, FailureClass::kInfrastructure);
  EXPECT_TRUE(d.retry);
  EXPECT_EQ(d.spent.user, 1);
  EXPECT_EQ(d.spent.infrastructure, 1);
}

TEST(DecideRetry, StopsAtTheLimitAndSaysWhichBudgetIsGone) {
  const auto d = DecideRetry(kPolicy, {.user = 2}, FailureClass::kUser);
  EXPECT_FALSE(d.retry);
  EXPECT_EQ(d.reason, "no retry left of 2 for the step's own failure");
}

TEST(DecideRetry, WaitsDoubleUpToTheCap) {
  EXPECT_EQ(DecideRetry(kPolicy, {}, FailureClass::kUser).wait, milliseconds(100));
  EXPECT_EQ(DecideRetry(kPolicy, {.user = 1}, FailureClass::kUser).wait, milliseconds(150));
}

TEST(DecideRetry, WaitsGrowByTheFactorAndAFactorOfOneKeepsThemEqual) {
  const auto third = [](double factor) {
    RetryPolicy policy{.user = {.limit = 5, .base = milliseconds(100), .factor = factor}};
    return DecideRetry(policy, {.user = 2}, FailureClass::kUser).wait;
  };
  EXPECT_EQ(third(1), milliseconds(100));
  EXPECT_EQ(third(1.5), milliseconds(225));
  EXPECT_EQ(third(3), milliseconds(900));
  RetryPolicy none{.user = {.limit = 5, .base = milliseconds(0), .factor = 3}};
  EXPECT_EQ(DecideRetry(none, {.user = 4}, FailureClass::kUser).wait, milliseconds(0));
}

TEST(DecideStepRetry, NoneBeginsAfterMaxDurationOfTheFirstAttempt) {
  api::RetrySpec retry;
  retry.user.limit = 10;
  retry.user.backoff = milliseconds(2'000);
  retry.max_duration = milliseconds(60'000);
  const TimePoint began{};
  const auto at = [&](int seconds) {
    return DecideStepRetry(retry, {}, FailureClass::kUser, began,
                           began + std::chrono::seconds(seconds));
  };
  EXPECT_TRUE(at(58).retry);
  EXPECT_FALSE(at(59).retry);
  EXPECT_EQ(at(59).reason, "retry.maxDuration of 1m would have passed");
  EXPECT_TRUE(
      DecideStepRetry(retry, {}, FailureClass::kUser, std::nullopt, began + std::chrono::hours(1))
          .retry);
}

TEST(DecideRetry, AClassWithoutABudgetIsNeverRetried) {
  EXPECT_FALSE(DecideRetry(kPolicy, {}, FailureClass::kTimeout).retry);
}

}  // namespace
}  // namespace penstock::plan
