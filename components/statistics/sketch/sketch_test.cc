#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "components/sdk/row_hash.h"
#include "components/statistics/sketch/block_tree.h"
#include "components/statistics/sketch/counts.h"
#include "components/statistics/sketch/distinct_sketch.h"
#include "components/statistics/sketch/power_sums.h"
#include "components/statistics/sketch/quantile_sketch.h"
#include "components/statistics/sketch/runs.h"

namespace penstock::statistics {
namespace {

TEST(PowerSums, KeepsASpreadThatIsSmallBesideTheMean) {
  PowerSums sums;
  for (const double x : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) sums.Add(x, 1);
  EXPECT_DOUBLE_EQ(sums.Mean(), 1e9 + 10);
  EXPECT_DOUBLE_EQ(sums.Deviation().value(), std::sqrt(22.5));
}

TEST(PowerSums, SumsIntegersWhoseSquaresAreBeyondSixtyFourBits) {
  PowerSums sums;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  sums.Add(most, 3);
  sums.Add(-most, 1);
  EXPECT_DOUBLE_EQ(sums.Mean(), double(most) / 2);
  EXPECT_DOUBLE_EQ(sums.Deviation().value(), double(most) * std::sqrt(0.75));
}

TEST(PowerSums, IsTheSameToTheBitInAnyOrderAndInAnyShards) {
  std::mt19937_64 random(1);
  std::vector<double> values;
  for (int i = 0; i < 3000; ++i)
    values.push_back(std::ldexp(double(random()), int(random() % 80) - 90));
  PowerSums forth;
  for (const double x : values) forth.Add(x, 3);
  std::shuffle(values.begin(), values.end(), random);
  PowerSums left;
  PowerSums right;
  for (std::size_t i = 0; i < values.size(); ++i) (i % 3 == 0 ? left : right).Add(values[i], 3);
  right.Merge(left);
  EXPECT_EQ(forth.Mean(), right.Mean());
  EXPECT_EQ(forth.Deviation(), right.Deviation());
}

TEST(PowerSums, SaysThatADeviationIsBeyondADoubleAndStillKnowsTheMean) {
  PowerSums sums;
  sums.Add(1e308, 2);
  sums.Add(1.5e308, 2);
  EXPECT_DOUBLE_EQ(sums.Mean(), 1.25e308);
  EXPECT_FALSE(sums.Deviation().has_value());
}

TEST(ExactCounts, GivesUpByWhatThereIsAndNotByTheOrder) {
  const Counted<std::int64_t> a = {{1, 2}, {3, 1}};
  const Counted<std::int64_t> b = {{2, 1}, {3, 5}};
  ExactCounts<std::int64_t> counts(3, 0);
  EXPECT_TRUE(counts.Add(a));
  EXPECT_TRUE(counts.Add(b));
  EXPECT_EQ(counts.values(), (Counted<std::int64_t>{{1, 2}, {2, 1}, {3, 6}}));
  EXPECT_FALSE(counts.Add({{4, 1}}));
  ExactCounts<TextKey> texts(10, 5);
  EXPECT_TRUE(texts.Add({{{1, "abc"}, 1}}));
  EXPECT_FALSE(texts.Add({{{2, "defg"}, 1}})) << "seven bytes";
}

TEST(FrequentValues, CountsAreAtMostTheErrorTooLowAndTheErrorKeepsItsBound) {
  std::mt19937_64 random(7);
  std::map<std::int64_t, std::int64_t> truth;
  FrequentValues<std::int64_t> all(50);
  constexpr std::int64_t kRows = 40'000;
  for (int block = 0; block < 40; ++block) {
    std::vector<std::int64_t> values;
    for (int i = 0; i < kRows / 40; ++i) {
      const double u = double(random() >> 11) * 0x1p-53;
      values.push_back(std::int64_t(std::min(1e6, 1 / (u + 1e-9))));  // heavy at 1, a long tail
      ++truth[values.back()];
    }
    all.Merge(FrequentValues<std::int64_t>(50, RunsOf(values)));
  }
  EXPECT_LE(all.error(), kRows / 51);
  std::map<std::int64_t, std::int64_t> kept(all.values().begin(), all.values().end());
  EXPECT_LE(kept.size(), 50U);
  for (const auto& [value, count] : truth) {
    const std::int64_t said = kept.contains(value) ? kept[value] : 0;
    EXPECT_LE(said, count) << value;
    EXPECT_GE(said, count - all.error()) << value;
  }
}

TEST(DistinctSketch, IsWithinItsErrorFromOneToMillions) {
  DistinctSketch sketch;
  EXPECT_EQ(sketch.Estimate(), 0);
  std::uint64_t added = 0;
  for (const std::uint64_t n : {1UL, 100UL, 10'000UL, 50'000UL, 1'000'000UL, 5'000'000UL}) {
    for (; added < n; ++added) sketch.Add(sdk::MixBits(added));
    EXPECT_NEAR(sketch.Estimate(), double(n), 3 * DistinctSketch::kError * double(n) + 0.01) << n;
  }
}

TEST(DistinctSketch, MergesToWhatOnePassWouldKnow) {
  DistinctSketch all;
  DistinctSketch even;
  DistinctSketch odd;
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    all.Add(sdk::MixBits(i));
    (i % 2 == 0 ? even : odd).Add(sdk::MixBits(i));
  }
  odd.Merge(even);
  EXPECT_EQ(odd.Estimate(), all.Estimate());
}

// The rank of the sketch's answer against the rank among all values, at 99 places.
double WorstRankError(const QuantileSketch& sketch, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto weighted = sketch.Weighted();
  double worst = 0;
  std::int64_t until = 0;
  std::size_t next = 0;
  for (int q = 1; q < 100; ++q) {
    const double value = values[values.size() * std::size_t(q) / 100];
    for (; next < weighted.size() && weighted[next].first <= value; ++next) {
      until += weighted[next].second;
    }
    const auto rank = std::upper_bound(values.begin(), values.end(), value) - values.begin();
    worst = std::max(worst, std::abs(double(until - rank)) / double(values.size()));
  }
  return worst;
}

TEST(QuantileSketch, KeepsItsWeightAndItsErrorOverSortedAndShuffledBlocks) {
  int beyond = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<double> values;
    for (int i = 0; i < 200'000; ++i) values.push_back(double(random() % 1'000'003));
    if (seed % 2 == 0) std::sort(values.begin(), values.end());
    QuantileSketch all;
    for (std::size_t block = 0; block < 20; ++block) {
      std::vector<double> part(values.begin() + long(block * 10'000),
                               values.begin() + long((block + 1) * 10'000));
      std::sort(part.begin(), part.end());
      const auto leaf = QuantileSketch::OfSorted(std::move(part), 256, seed * 100 + block);
      if (block == 0) {
        all = leaf;
      } else {
        all.Merge(leaf, seed * 1000 + block);
      }
    }
    const auto weighted = all.Weighted();
    std::int64_t weight = 0;
    for (const auto& [value, count] : weighted) weight += count;
    EXPECT_EQ(weight, 200'000) << "every value is stood for";
    EXPECT_LE(weighted.size(), 3U * 256 + 200);
    EXPECT_GT(all.RankError(), 0);
    EXPECT_LT(all.RankError(), 0.03);
    beyond += WorstRankError(all, values) > all.RankError() ? 1 : 0;
  }
  EXPECT_LE(beyond, 1) << "the bound holds 99 times of 100";
}

TEST(QuantileSketch, IsExactWhileItHoldsAll) {
  std::vector<double> values;
  for (int i = 0; i < 500; ++i) values.push_back(i);
  const auto sketch = QuantileSketch::OfSorted(values, 1024, 1);
  EXPECT_EQ(sketch.RankError(), 0);
  EXPECT_EQ(sketch.Weighted().size(), 500U);
}

// A node that remembers how it was merged.
struct Trace {
  std::string text;
  void Merge(const Trace& right, std::uint64_t salt) {
    text = "(" + text + " " + right.text + " " + std::to_string(salt % 97) + ")";
  }
};

TEST(BlockTree, MergesInOneOrderWhateverTheOrderOfBlocksAndTrees) {
  const auto trace_of = [](const std::vector<std::uint64_t>& blocks) {
    BlockTree<Trace> tree(5);
    for (const auto block : blocks) tree.Add(block, {std::to_string(block)});
    return tree.Finish({}).text;
  };
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t i = 0; i < 37; ++i) blocks.push_back(i);
  const std::string whole = trace_of(blocks);
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(blocks.begin(), blocks.end(), random);
    EXPECT_EQ(trace_of(blocks), whole);
    BlockTree<Trace> left(5);
    BlockTree<Trace> right(5);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      (i % 3 == 0 ? left : right).Add(blocks[i], {std::to_string(blocks[i])});
    }
    left.Merge(std::move(right));
    EXPECT_EQ(left.Finish({}).text, whole);
  }
}

TEST(Runs, AreSortedAndCountedForNarrowAndWideRanges) {
  EXPECT_EQ(RunsOf(std::vector<std::int64_t>{3, -1, 3, 0}),
            (Counted<std::int64_t>{{-1, 1}, {0, 1}, {3, 2}}));
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(RunsOf(std::vector<std::int64_t>{most, least, 0, most}),
            (Counted<std::int64_t>{{least, 1}, {0, 1}, {most, 2}}));
  EXPECT_EQ(RunsOf(std::vector<double>{2.5, -0.0, -1e300, 0.0, 2.5}),
            (Counted<double>{{-1e300, 1}, {0, 2}, {2.5, 2}}));
  EXPECT_EQ(RunsOf(Counted<TextKey>{{{2, "b"}, 1}, {{1, "z"}, 2}, {{2, "b"}, 3}, {{2, "a"}, 1}}),
            (Counted<TextKey>{{{1, "z"}, 2}, {{2, "a"}, 1}, {{2, "b"}, 4}}));
}

}  // namespace
}  // namespace penstock::statistics
