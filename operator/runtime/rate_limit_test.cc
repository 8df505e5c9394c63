#include "operator/runtime/rate_limit.h"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateLimit::Steady kBegin{std::chrono::hours(1)};

TEST(RateLimit, LetsASecondsWorthGoAndGivesEachOfTheOthersATimeOfItsOwn) {
  RateLimit limit(2);
  EXPECT_EQ(limit.WaitOf("a", kBegin), milliseconds(0));
  EXPECT_EQ(limit.WaitOf("b", kBegin), milliseconds(0));
  EXPECT_EQ(limit.WaitOf("c", kBegin), milliseconds(500));
  EXPECT_EQ(limit.WaitOf("d", kBegin), milliseconds(1000));
  EXPECT_EQ(limit.WaitOf("c", kBegin + milliseconds(200)), milliseconds(300)) << "not a later one";
  EXPECT_EQ(limit.WaitOf("d", kBegin + seconds(1)), milliseconds(0));
  EXPECT_EQ(limit.WaitOf("c", kBegin + seconds(1)), milliseconds(0));
}

TEST(RateLimit, NeverLetsMoreGoThanItsRate) {
  RateLimit limit(10);
  int gone = 0;
  for (int ms = 0; ms < 10'000; ms += 10)
    for (int i = 0; i < 3; ++i)
      if (limit.WaitOf(std::to_string((ms / 10 + i) % 50), kBegin + milliseconds(ms)).count() == 0)
        ++gone;
  EXPECT_LE(gone, 110);
  EXPECT_GE(gone, 95);
}

TEST(RateLimit, ZeroIsNone) {
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(none.WaitOf(std::to_string(i), kBegin), milliseconds(0));
}

}  // namespace
}  // namespace penstock::runtime
