#include "operator/base/byte_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace penstock {
namespace {

TEST(ByteBudget, GivesUntilItIsUsedUp) {
  ByteBudget budget(100);
  ByteBudget::Share a(&budget);
  {
    ByteBudget::Share b(&budget);
    EXPECT_TRUE(a.Hold(60));
    EXPECT_TRUE(b.Hold(40));
    EXPECT_FALSE(b.Hold(41));
    EXPECT_EQ(budget.held(), 60);  // nothing is held of what did not fit
    EXPECT_TRUE(b.Hold(30));
  }
  EXPECT_EQ(budget.held(), 60);
  EXPECT_TRUE(a.Hold(10));
  EXPECT_EQ(budget.held(), 10);
  EXPECT_FALSE(a.Hold(UINT64_MAX));
  EXPECT_EQ(budget.held(), 0);
}

TEST(ByteBudget, CountsWhatIsThereAnyway) {
  ByteBudget budget(100);
  ByteBudget::Share answer(&budget);
  ByteBudget::Share request(&budget);
  answer.Count(150);
  EXPECT_FALSE(request.Hold(1));
  EXPECT_TRUE(answer.Hold(120));  // less always fits
  answer.Count(99);
  EXPECT_TRUE(request.Hold(1));
}

TEST(ByteBudget, LetsNobodyPastItWhenManyComeAtOnce) {
  ByteBudget budget(1000);
  std::vector<std::thread> threads;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        ByteBudget::Share share(&budget);
        if (!share.Hold(400)) continue;
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(most, 1);
  EXPECT_LE(most, 2);
  EXPECT_EQ(budget.held(), 0);
}

}  // namespace
}  // namespace penstock
