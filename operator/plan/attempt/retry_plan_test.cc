#include "operator/plan/attempt/retry_plan.h"

#include <gtest/gtest.h>

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

TEST(DecideRetry, AClassWithoutABudgetIsNeverRetried) {
  EXPECT_FALSE(DecideRetry(kPolicy, {}, FailureClass::kTimeout).retry);
}

}  // namespace
}  // namespace penstock::plan
