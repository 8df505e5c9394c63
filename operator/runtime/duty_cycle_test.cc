#include "operator/runtime/duty_cycle.h"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using std::chrono::milliseconds;

class DutyCycleTest : public ::testing::Test {
 protected:
  const DutyCycle::Steady begin_{std::chrono::hours(1)};
  DutyCycle duty_{milliseconds(10'000)};
};

TEST_F(DutyCycleTest, WhatTookLongRestsNineTimesAsLong) {
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_), milliseconds(0)) << "it never had a turn";
  duty_.Took("a", 1, begin_, begin_ + milliseconds(100));
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_ + milliseconds(100)), milliseconds(900));
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_ + milliseconds(999)), milliseconds(1));
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_ + milliseconds(1'000)), milliseconds(0));
  EXPECT_EQ(duty_.WaitOf("b", 1, begin_ + milliseconds(100)), milliseconds(0));
}

TEST_F(DutyCycleTest, WhatTookAMinuteRestsNoLongerThanTheLongest) {
  duty_.Took("a", 1, begin_, begin_ + std::chrono::minutes(1));
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_ + std::chrono::minutes(1)), milliseconds(10'000));
}

TEST_F(DutyCycleTest, WhatWasChangedDoesNotRest) {
  duty_.Took("a", 1, begin_, begin_ + milliseconds(100));
  EXPECT_EQ(duty_.WaitOf("a", 2, begin_ + milliseconds(100)), milliseconds(0));
}

TEST_F(DutyCycleTest, WhatIsForgottenDoesNotRest) {
  duty_.Took("a", 1, begin_, begin_ + milliseconds(100));
  duty_.Forget("a");
  EXPECT_EQ(duty_.WaitOf("a", 1, begin_ + milliseconds(100)), milliseconds(0));
}

}  // namespace
}  // namespace penstock::runtime
