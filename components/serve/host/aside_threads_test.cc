#include "components/serve/host/aside_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <vector>

namespace penstock::serve {
namespace {

TEST(AsideThreads, DoAllThatTheyWereGivenBeforeTheyEnd) {
  std::atomic<int> done{0};
  {
    AsideThreads threads(3);
    for (int i = 0; i < 1000; ++i) threads.Post([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST(AsideThreads, TakeWorkInItsOrder) {
  std::vector<int> order;
  {
    AsideThreads one(1);
    for (int i = 0; i < 100; ++i) one.Post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(AsideThreads, HoldUpNobodyWhileOneIsBusy) {
  std::promise<void> release;
  std::promise<void> other;
  AsideThreads threads(2);  // ends before what its work looks at
  threads.Post([&] { release.get_future().wait(); });
  threads.Post([&] { other.set_value(); });
  EXPECT_EQ(other.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  release.set_value();
}

}  // namespace
}  // namespace penstock::serve
