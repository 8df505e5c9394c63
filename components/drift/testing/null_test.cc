#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/drift/methods/one_sided.h"
#include "components/drift/null/null_draws.h"
#include "components/drift/testing/oracles.h"
#include "operator/base/json.h"

namespace penstock::drift {
namespace {

TEST(Hypergeometric, HasTheLawThatScipySays) {
  const LogFactorials logs(20'000);
  constexpr int kDraws = 40'000;
  for (const char* text : kOracles) {
    const Json row = Json::parse(text);
    if (row[0] != "hypergeometric") continue;
    const Json& law = row[1];
    Random random(5);
    std::vector<double> drawn;
    for (int i = 0; i < kDraws; ++i) {
      drawn.push_back(
          double(DrawHypergeometric(law["good"], law["total"], law["draws"], logs, random)));
    }
    const double mean = std::accumulate(drawn.begin(), drawn.end(), 0.0) / kDraws;
    double variance = 0;
    for (const double x : drawn) variance += (x - mean) * (x - mean) / kDraws;
    const double sigma = std::sqrt(law["variance"].get<double>() / kDraws);
    EXPECT_NEAR(mean, law["mean"].get<double>(), 5 * sigma) << law;
    EXPECT_NEAR(variance / law["variance"].get<double>(), 1, 0.05) << law;
    for (std::size_t q = 0; q < 3; ++q) {
      const double quartile = law["quartiles"][q].get<double>();
      const auto below =
          std::count_if(drawn.begin(), drawn.end(), [&](double x) { return x <= quartile; });
      EXPECT_NEAR(double(below) / kDraws, law["below"][q].get<double>(), 0.0125) << law;
    }
  }
}

TEST(Hypergeometric, LogarithmsOfFactorialsAreThoseOfTheLibrary) {
  const LogFactorials logs(100'000);
  for (const std::int64_t n : {0, 1, 2, 10, 255, 256, 257, 5000, 100'000}) {
    EXPECT_NEAR(logs[n], std::lgamma(double(n) + 1), 1e-12 * std::max(1.0, logs[n])) << n;
  }
}

TEST(Hypergeometric, DividesAllRowsAmongTheBins) {
  const LogFactorials logs(1000);
  const std::vector<std::int64_t> pooled = {0, 500, 1, 0, 99, 300, 0};
  std::vector<std::int64_t> drawn(pooled.size());
  Random random(1);
  std::vector<double> sums(pooled.size(), 0);
  for (int i = 0; i < 5000; ++i) {
    DrawBins(pooled, 900, 300, logs, random, drawn);
    EXPECT_EQ(std::accumulate(drawn.begin(), drawn.end(), std::int64_t{0}), 300);
    for (std::size_t b = 0; b < pooled.size(); ++b) {
      EXPECT_GE(drawn[b], 0);
      EXPECT_LE(drawn[b], pooled[b]);
      sums[b] += double(drawn[b]) / 5000;
    }
  }
  for (std::size_t b = 0; b < pooled.size(); ++b) {
    EXPECT_NEAR(sums[b], double(pooled[b]) / 3, 0.5) << b;
  }
}

// Counts of n rows that fall into the bins alike.
std::vector<std::int64_t> RandomCounts(std::size_t bins, int n, Random& random) {
  std::vector<std::int64_t> counts(bins, 0);
  for (int i = 0; i < n; ++i) ++counts[random.Below(bins)];
  return counts;
}

TEST(OneSided, HasTheMeanAndTheTailThatRandomDivisionsHave) {
  std::vector<std::int64_t> pooled;  // many rare values, some frequent ones
  for (int v = 0; v < 400; ++v) pooled.push_back(v % 8 == 0 ? 60 : v % 6 + 1);
  const std::int64_t total = std::accumulate(pooled.begin(), pooled.end(), std::int64_t{0});
  const std::int64_t taken = total / 3;
  const LogFactorials logs{std::size_t(total)};
  Random random(9);
  constexpr int kDivisions = 4000;
  double sum = 0, chance = 0;
  int below_tenth = 0, below_hundredth = 0;
  std::vector<std::int64_t> a(pooled.size()), b(pooled.size());
  for (int i = 0; i < kDivisions; ++i) {
    DrawBins(pooled, total, taken, logs, random, b);
    for (std::size_t v = 0; v < a.size(); ++v) a[v] = pooled[v] - b[v];
    const OneSided test = TestOneSided(a, b);
    sum += test.value;
    chance = test.chance;
    below_tenth += test.p < 0.1 ? 1 : 0;
    below_hundredth += test.p < 0.01 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kDivisions, chance, 0.002);
  EXPECT_NEAR(double(below_tenth) / kDivisions, 0.09, 0.03);
  EXPECT_LT(double(below_hundredth) / kDivisions, 0.015);
}

TEST(OneSided, OfValuesInOneRowEachIsWhatChanceGives) {
  const std::vector<std::int64_t> a = {1, 1, 1, 0, 0, 0, 0};
  const std::vector<std::int64_t> b = {0, 0, 0, 1, 1, 1, 1};
  const OneSided test = TestOneSided(a, b);
  EXPECT_EQ(test.value, 1);
  EXPECT_EQ(test.effect, 0);
  EXPECT_EQ(test.p, 1);
  // Two rows each: C(4, 2) / C(8, 2) of either side are together, 12 of 28.
  const OneSided two =
      TestOneSided(std::vector<std::int64_t>{2, 2, 0, 0}, std::vector<std::int64_t>{0, 0, 2, 2});
  EXPECT_NEAR(two.chance, 12.0 / 28, 1e-12);
  EXPECT_NEAR(two.effect, 16.0 / 28, 1e-12);
  // Beyond 64 rows by logarithms.
  const OneSided many =
      TestOneSided(std::vector<std::int64_t>{65, 935}, std::vector<std::int64_t>{0, 10});
  double all = 1;  // the 10 rows of current are none of the 65
  for (int i = 0; i < 10; ++i) all *= (945.0 - i) / (1010.0 - i);
  EXPECT_NEAR(many.chance, all * 65 / 1010, 1e-9);
}

TEST(NullDraws, RejectAsOftenAsAlphaSaysWhereNothingDiffers) {
  const LogFactorials logs(2000);
  Random random(3);
  BinShape shape;
  shape.ordered = 12;
  shape.positions = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  for (const Statistic statistic :
       {Statistic::kKs, Statistic::kWasserstein, Statistic::kPsi, Statistic::kJensenShannon,
        Statistic::kLInfinity, Statistic::kCramersV}) {
    int rejected = 0;
    constexpr int kRepeats = 400;
    for (int i = 0; i < kRepeats; ++i) {
      const auto a = RandomCounts(12, 700, random);
      const auto b = RandomCounts(12, 300, random);
      const Null null = DrawByRows(statistic, shape, a, b, logs, {200, 200, std::uint64_t(i)});
      rejected += null.p <= 0.1 ? 1 : 0;
    }
    // 40 are expected, with a deviation of 6.
    EXPECT_GE(rejected, 18) << Name(statistic);
    EXPECT_LE(rejected, 62) << Name(statistic);
  }
}

TEST(NullDraws, AreNeverZeroAndGoOnWhereFewReach) {
  const LogFactorials logs(4000);
  const std::vector<std::int64_t> a = {1000, 1000};
  const std::vector<std::int64_t> b = {100, 1900};
  const Null psi = DrawByRows(Statistic::kPsi, {}, a, b, logs, {100, 5000, 1});
  EXPECT_EQ(psi.draws, 5000);
  EXPECT_NEAR(psi.p, 1.0 / 5001, 1e-12);
  // The bound says more than any number of draws.
  const Null l_infinity = DrawByRows(Statistic::kLInfinity, {}, a, b, logs, {100, 100, 1});
  EXPECT_LT(l_infinity.p, 1e-50);
  EXPECT_GT(l_infinity.p, 0);
  // What chance gives all the time is known after the least number.
  const Null alike = DrawByRows(Statistic::kLInfinity, {}, a, a, logs, {100, 5000, 1});
  EXPECT_EQ(alike.draws, 100);
  EXPECT_EQ(alike.p, 1);
  EXPECT_GT(alike.mean, 0.005);
}

TEST(NullDraws, AreTheSameForTheSameSeedOnly) {
  const LogFactorials logs(4000);
  const std::vector<std::int64_t> a = {400, 600, 300};
  const std::vector<std::int64_t> b = {370, 640, 310};
  const auto p = [&](std::uint64_t seed) {
    return DrawByRows(Statistic::kPsi, {}, a, b, logs, {2000, 2000, seed}).mean;
  };
  EXPECT_EQ(p(1), p(1));
  EXPECT_NE(p(1), p(2));
}

// Days of which each has a level of its own: 60 against 60, no difference but that.
BlockCounts Days(Random& random, std::size_t blocks) {
  BlockCounts days;
  days.bins = 2;
  days.of_reference = blocks / 2;
  for (std::size_t d = 0; d < blocks; ++d) {
    const auto high = std::int32_t(random.Below(201));
    days.counts.insert(days.counts.end(), {high, 200 - high});
  }
  return days;
}

TEST(NullDraws, ByBlocksDoNotFlagRowsThatGoTogether) {
  const LogFactorials logs(100'000);
  Random random(9);
  int by_rows = 0;
  int by_blocks = 0;
  for (int i = 0; i < 100; ++i) {
    const BlockCounts days = Days(random, 120);
    const Draws draws = {300, 300, std::uint64_t(i)};
    by_blocks += DrawByBlocks(Statistic::kLInfinity, {}, days, draws).p <= 0.05 ? 1 : 0;
    by_rows +=
        DrawByRows(Statistic::kLInfinity, {}, days.Sum(true), days.Sum(false), logs, draws).p <=
                0.05
            ? 1
            : 0;
  }
  EXPECT_LE(by_blocks, 12);
  EXPECT_GE(by_rows, 60);  // rows alone would cry wolf nearly always
}

TEST(NullDraws, ByBlocksSeeADifferenceThatEveryBlockHas) {
  BlockCounts days;
  days.bins = 2;
  days.of_reference = 10;
  for (int d = 0; d < 20; ++d) {
    const std::int32_t high = d < 10 ? 100 + d : 140 + d;
    days.counts.insert(days.counts.end(), {high, 200 - high});
  }
  const Null null = DrawByBlocks(Statistic::kLInfinity, {}, days, {2000, 2000, 1});
  EXPECT_LE(null.p, 0.001);
  EXPECT_EQ(days.Sum(true), (std::vector<std::int64_t>{1045, 955}));
}

TEST(NullDraws, KnowTheLeastPOfFewBlocks) {
  EXPECT_NEAR(LeastP(3, 2, 2000), 0.1, 1e-9);
  EXPECT_NEAR(LeastP(30, 1, 2000), 1.0 / 31, 1e-9);
  EXPECT_NEAR(LeastP(31, 31, 2000), 1.0 / 2001, 1e-12);
}

}  // namespace
}  // namespace penstock::drift
