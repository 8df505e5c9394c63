#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "components/drift/classifier/domain.h"
#include "components/drift/methods/chi_squared.h"
#include "components/drift/methods/jensen_shannon.h"
#include "components/drift/methods/kolmogorov_smirnov.h"
#include "components/drift/methods/l_infinity.h"
#include "components/drift/methods/population_stability.h"
#include "components/drift/methods/statistic.h"
#include "components/drift/methods/wasserstein.h"
#include "components/drift/null/false_discovery.h"
#include "components/drift/testing/oracles.h"
#include "operator/base/json.h"

namespace penstock::drift {
namespace {

constexpr double kTolerance = 1e-9;

// The rows of a table of oracles.h.
std::vector<Json> Oracles(const std::string& name) {
  std::vector<Json> rows;
  for (const char* text : kOracles) {
    const Json row = Json::parse(text);
    if (row[0] == name) rows.push_back(row[1]);
  }
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

// As oracles.py makes them.
Runs SampleOf(const std::string& shape, std::uint64_t seed, int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    const double u = double(seed >> 40) / double(1 << 24);
    values.push_back(shape == "square"     ? u * u * 1.5
                     : shape == "shifted"  ? u + 0.0625
                     : shape == "integers" ? std::floor(u * 20)
                     : shape == "heavy"    ? 1 / (u + 0.0078125)
                     : shape == "negative" ? -u * 1000
                     : shape == "constant" ? 3
                                           : u);
  }
  return Runs::Of(std::move(values));
}

TEST(DriftMethods, AgreeWithScipyOnSamples) {
  for (const Json& row : Oracles("samples")) {
    const auto a = SampleOf(row["a"], 17, row["n"]);
    const auto b = SampleOf(row["b"], 23, row["m"]);
    const KolmogorovSmirnov ks = TestKolmogorovSmirnov(a, b);
    EXPECT_NEAR(ks.value, row["ks"].get<double>(), kTolerance) << row;
    EXPECT_NEAR(ks.p, row["p"].get<double>(), kTolerance) << row;
    EXPECT_EQ(ks.exact, row["exact"].get<bool>()) << row;
    EXPECT_NEAR(Wasserstein(a, b), row["wasserstein"].get<double>(), kTolerance) << row;
    const double normed = NormedWasserstein(Wasserstein(a, b), MomentsOf(a).std);
    EXPECT_NEAR(normed / row["normed"].get<double>(), 1, kTolerance) << row;
    const auto edges = QuantileEdges(a, 10);
    const double psi = PopulationStability(CountBetween(a, edges), CountBetween(b, edges)).value;
    EXPECT_NEAR(psi, row["psi"].get<double>(), kTolerance) << row;
    const double low = std::min(a.front(), b.front());
    const double high = std::max(a.back(), b.back());
    const double js =
        JensenShannon(CountEqualWidth(a, low, high, 10), CountEqualWidth(b, low, high, 10));
    EXPECT_NEAR(js, row["jensenShannon"].get<double>(), kTolerance) << row;
  }
}

TEST(DriftMethods, AgreeWithScipyOnCounts) {
  for (const Json& row : Oracles("counts")) {
    const auto a = row["a"].get<std::vector<std::int64_t>>();
    const auto b = row["b"].get<std::vector<std::int64_t>>();
    const ChiSquared chi = TestChiSquared(a, b);
    EXPECT_NEAR(chi.value, row["chiSquared"].get<double>(), kTolerance * chi.value) << row;
    EXPECT_EQ(chi.degrees, row["degrees"].get<std::int64_t>()) << row;
    EXPECT_NEAR(chi.p, row["p"].get<double>(), kTolerance) << row;
    EXPECT_NEAR(chi.cramers_v, row["cramersV"].get<double>(), kTolerance) << row;
    EXPECT_NEAR(JensenShannon(a, b), row["jensenShannon"].get<double>(), kTolerance) << row;
    EXPECT_NEAR(LInfinity(a, b).value, row["lInfinity"].get<double>(), kTolerance) << row;
  }
}

TEST(DriftMethods, AgreeWithStatsmodelsOnFalseDiscoveries) {
  for (const Json& row : Oracles("adjusted")) {
    const auto adjusted = AdjustedP(row["p"].get<std::vector<double>>());
    const auto expected = row["adjusted"].get<std::vector<double>>();
    ASSERT_EQ(adjusted.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(adjusted[i], expected[i], kTolerance) << row << " " << i;
    }
  }
}

TEST(DriftMethods, AgreeWithScipyOnRanksAndTails) {
  for (const Json& row : Oracles("ranks")) {
    const RankTest test = TestRanks(row["scores"].get<std::vector<double>>(),
                                    row["positive"].get<std::vector<std::uint8_t>>());
    EXPECT_NEAR(test.auc, row["auc"].get<double>(), kTolerance);
    EXPECT_NEAR(test.p, row["p"].get<double>(), kTolerance);
  }
  for (const Json& row : Oracles("kolmogorov")) {
    EXPECT_NEAR(KolmogorovTail(row[0]), row[1].get<double>(), kTolerance) << row;
  }
  for (const Json& row : Oracles("upperGamma")) {
    EXPECT_NEAR(UpperGamma(row[0], row[1]), row[2].get<double>(), kTolerance) << row;
  }
}

// The vectors by which TensorFlow Data Validation tests its own.
TEST(DriftMethods, CompareHistogramsAsTfdvDoes) {
  const Histogram narrow = {{{1, 2, 2}, {2, 3, 2}}, 0};
  const Histogram wide = {{{2, 4, 2}, {4, 6, 2}}, 0};
  EXPECT_NEAR(JensenShannonRebucketed(narrow, wide), 0.65563906222, 1e-9);
  EXPECT_NEAR(JensenShannonRebucketed({{{0, 1, 2}, {1, 2, 2}}, 0}, {{{3, 4, 2}, {4, 6, 2}}, 0}), 1,
              1e-12);
  EXPECT_NEAR(JensenShannonRebucketed({{{1, 1, 4}}, 0}, wide), 1, 1e-12);
  EXPECT_NEAR(JensenShannonRebucketed({{{1, 2, 3}}, 1}, {{{1, 2, 4}}, 0}), 0.13792538096, 1e-9);
  EXPECT_NEAR(JensenShannonRebucketed(narrow, narrow), 0, 1e-12);
  // NaN of both counts as different, as does what has no end; a point meets the same point.
  const double inf = HUGE_VAL;
  EXPECT_NEAR(JensenShannonRebucketed({{{1, 2, 2}}, 2}, {{{1, 2, 2}}, 2}), 0.5, 1e-12);
  EXPECT_NEAR(JensenShannonRebucketed({{{1, 2, 2}, {2, inf, 2}}, 0}, {{{1, 2, 2}, {2, inf, 2}}, 0}),
              0.5, 1e-12);
  EXPECT_NEAR(JensenShannonRebucketed({{{3, 3, 4}}, 0}, {{{3, 3, 1}}, 0}), 0, 1e-12);
  EXPECT_EQ(JensenShannonRebucketed({}, wide), 0);
}

TEST(DriftMethods, SayWhichValueDiffersMost) {
  const std::vector<std::int64_t> a = {10, 90, 0, 0};
  const std::vector<std::int64_t> b = {0, 140, 60, 0};
  const Largest largest = LInfinity(a, b);
  EXPECT_NEAR(largest.value, 0.3, 1e-12);
  EXPECT_EQ(largest.at, 2U);
  EXPECT_NEAR(NormalizedAbsoluteDifference(a, b), 60.0 / 300, 1e-12);
  EXPECT_EQ(PopulationStability(a, b).at, 2U);
  const KolmogorovSmirnov ks =
      TestKolmogorovSmirnov(Runs::Of({1, 2, 3, 4}), Runs::Of({3, 4, 5, 6}));
  EXPECT_EQ(ks.at, 2);
  EXPECT_EQ(ks.below_a, 0.5);
  EXPECT_EQ(ks.below_b, 0);
}

TEST(DriftStatistic, CountsNullsApartFromTheOrder) {
  BinShape shape;
  shape.ordered = 3;
  shape.positions = {0, 1, 3};
  shape.scale = 2;
  // The numbers are alike; a null has become a NaN.
  const std::vector<std::int64_t> a = {10, 10, 10, 20, 0};
  const std::vector<std::int64_t> b = {10, 10, 10, 0, 20};
  const Observed ks = Evaluate(Statistic::kKs, shape, a, b);
  EXPECT_NEAR(ks.value, 0.4, 1e-12);
  EXPECT_EQ(ks.at, 3U);
  EXPECT_EQ(Evaluate(Statistic::kWasserstein, shape, a, b).value, 0);
  // Each of four has changed by a fifth: they are not added up.
  const std::vector<std::int64_t> e = {10, 10, 10, 10, 10, 0, 0};
  const std::vector<std::int64_t> f = {10, 10, 10, 0, 0, 10, 10};
  EXPECT_NEAR(Evaluate(Statistic::kKs, shape, e, f).value, 0.2, 1e-12);
  // Half of the mass moves by one, to a bin two further on: (0.5 * 1 + 0.5 * 2) / 2.
  const std::vector<std::int64_t> c = {10, 0, 10, 0, 0};
  const std::vector<std::int64_t> d = {0, 0, 20, 0, 0};
  EXPECT_NEAR(Evaluate(Statistic::kWasserstein, shape, c, d).value, 0.75, 1e-12);
  EXPECT_NEAR(Evaluate(Statistic::kKs, shape, c, d).value, 0.5, 1e-12);
  // Of 20 rows 10 and 0 have the word, of 40 rows 10 and 30.
  EXPECT_NEAR(Evaluate(Statistic::kPresence, shape, std::vector<std::int64_t>{10, 0, 20},
                       std::vector<std::int64_t>{10, 30, 40})
                  .value,
              0.75, 1e-12);
}

TEST(DriftStatistic, HasATailBoundThatHoldsForKnownTails) {
  // One bin of two: P(|difference| >= value) is a hypergeometric tail. 10 of 10 against 0 of 10:
  // 2 / C(20, 10).
  const double exact = 2.0 / 184'756;
  const double bound = TailBound(Statistic::kLInfinity, 2, 1, 10, 10);
  EXPECT_GE(bound, exact);
  EXPECT_LT(bound, 0.05);
  EXPECT_EQ(TailBound(Statistic::kPsi, 2, 5, 1000, 1000), 1);
  EXPECT_LT(TailBound(Statistic::kKs, 64, 0.12, 27'000, 29'000), 1e-80);
}

}  // namespace
}  // namespace penstock::drift
