#include "components/router/routing/weighted_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace penstock::router {
namespace {

TEST(WeightedChoice, GivesOnePercentExactlyOneHundredOfTenThousandRequests) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const WeightedChoice choice({9'900, 100}, seed);
    int chosen = 0;
    for (std::uint64_t n = 0; n < 10'000; ++n) chosen += choice.Of(n) == 1 ? 1 : 0;
    EXPECT_EQ(chosen, 100);
  }
}

TEST(WeightedChoice, IsNeverOffByMoreThanOneForEachSmallerShare) {
  const std::vector<std::vector<int>> all = {{9'999, 1},
                                             {5'000, 5'000},
                                             {6'667, 3'333},
                                             {7'000, 2'000, 1'000},
                                             {2'500, 2'500, 2'500, 2'500}};
  for (const auto& weights : all) {
    const WeightedChoice choice(weights, 7);
    std::vector<double> counts(weights.size());
    for (std::uint64_t n = 0; n < 30'000; ++n) {
      ++counts[choice.Of(n)];
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const double due = static_cast<double>(n + 1) * weights[i] / 10'000;
        ASSERT_LE(std::fabs(counts[i] - due), static_cast<double>(weights.size()) - 1 + 1e-9)
            << n << " of " << i;
      }
    }
    for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(counts[i], 3 * weights[i]);
  }
}

TEST(WeightedChoice, FallsInStepWithNoClient) {
  // A client that sends ten kinds of requests in turn: the version with 10 % must see all of them.
  const WeightedChoice choice({9'000, 1'000}, 3);
  std::vector<int> kinds(10);
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    if (choice.Of(n) == 1) ++kinds[n % 10];
  }
  for (const int seen : kinds) EXPECT_NEAR(seen, 100, 40);
}

TEST(WeightedChoice, NeverChoosesWhatHasNoWeight) {
  WeightedChoice choice({0, 10'000, 0}, 1);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(choice.Next(), 1U);
}

TEST(WeightedChoice, IsExactOverThreads) {
  WeightedChoice choice({9'900, 100}, 5);
  std::atomic<int> chosen{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) chosen += choice.Next() == 1 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(chosen, 200);
}

}  // namespace
}  // namespace penstock::router
