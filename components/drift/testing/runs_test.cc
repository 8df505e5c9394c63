#include "components/drift/methods/runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "components/drift/null/random.h"

namespace penstock::drift {
namespace {

// Each is one of the ways in which values are brought into order.
std::vector<std::vector<double>> Samples() {
  std::vector<std::vector<double>> samples = {{3}, {0.5, -0.25, 0.5, 1e300, -1e300}};
  for (const int n : {900, 5000}) {
    Random random{std::uint64_t(n)};
    std::vector<double> whole, real, wide;
    for (int i = 0; i < n; ++i) {
      whole.push_back(double(random.Below(500)) - 250);
      real.push_back((random.Unit() - 0.5) * std::exp(40 * random.Unit()));
      wide.push_back(double(random.Below(1ULL << 52)) - 0x1p51);
    }
    samples.insert(samples.end(), {whole, real, wide});
  }
  return samples;
}

TEST(Runs, HaveTheOrderAndTheCountsOfTheValues) {
  for (auto values : Samples()) {
    const Runs runs = Runs::Of(values);
    std::sort(values.begin(), values.end());
    ASSERT_EQ(runs.total(), std::int64_t(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(runs.At(std::int64_t(i)), values[i]) << i << " of " << values.size();
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto [first, last] = std::equal_range(values.begin(), values.end(), runs.values()[i]);
      ASSERT_EQ(runs.Count(i), last - first);
      ASSERT_EQ(runs.UpTo(i), last - values.begin());
      ASSERT_EQ(runs.Below(runs.values()[i]), first - values.begin());
    }
  }
}

TEST(Runs, HaveTheMomentsOfTheValuesBitForBit) {
  for (const auto& values : Samples()) {
    const sdk::Moments ours = MomentsOf(Runs::Of(values));
    const sdk::Moments theirs = sdk::MomentsOf(values);
    EXPECT_EQ(ours.mean, theirs.mean) << values.size();
    EXPECT_EQ(ours.std, theirs.std) << values.size();
    EXPECT_EQ(ours.constant, theirs.constant);
  }
}

TEST(Runs, OfTwoSamplesAreMergedByValue) {
  const Runs all = Merged(Runs::Of({1, 2, 2}), Runs::Of({2, 3.5, -0.0, 0.0}));
  EXPECT_EQ(all.values(), (std::vector<double>{0, 1, 2, 3.5}));
  EXPECT_EQ(all.Count(0), 2);
  EXPECT_EQ(all.Count(2), 3);
  EXPECT_EQ(all.total(), 7);
  EXPECT_FALSE(std::signbit(all.front()));
  EXPECT_TRUE(Merged(Runs(), Runs()).empty());
}

}  // namespace
}  // namespace penstock::drift
