#include "components/audit/rows/sufficiency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/audit/rows/parts_agree.h"
#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Sufficiency, HasTheHalfWidthsOfTheFormulas) {
  // Hanley and McNeil's variance at 0.8 with 50 of either class: standard error 0.0445.
  EXPECT_NEAR(Foreseen("auc", 0.8, 100, 50, 0.95)->half_width, 1.959964 * 0.044502, 1e-4);
  // Wilson's interval of 90 of 100: 0.8256 to 0.9448.
  EXPECT_NEAR(Foreseen("accuracy", 0.9, 100, 0, 0.95)->half_width, (0.944778 - 0.825630) / 2, 1e-4);
  EXPECT_NEAR(Foreseen("rmse", 3, 5000, 0, 0.95)->half_width, 0.0196, 1e-5);
  EXPECT_FALSE(Foreseen("auc", 0.8, 100, 0, 0.95));
  EXPECT_FALSE(Foreseen("f1", 0.8, 100, 10, 0.95));
}

TEST(Sufficiency, IsAnErrorWhereTheWantedDifferenceIsNarrowerAndSaysTheRows) {
  Findings findings;
  const auto precision = *Foreseen("accuracy", 0.9, 100, 0, 0.95);
  SaySufficiency("test", precision, 0.06, &findings);
  EXPECT_THAT(findings.all(), IsEmpty());
  SaySufficiency("test", precision, std::nullopt, &findings);
  EXPECT_THAT(findings.all(), IsEmpty());
  SaySufficiency("test", precision, 0.01, &findings);
  ASSERT_EQ(findings.Count(Severity::kError), 1);
  EXPECT_THAT(findings.all()[0].message, HasSubstr("some 3549 rows"));
}

TEST(Sufficiency, TakesWhatEvaluateMeasured) {
  const Json report = {{"overall",
                        {{"auc", {{"value", 0.7}, {"low", 0.65}, {"high", 0.75}, {"rows", 400}}},
                         {"accuracy", {{"value", 0.9}}}}}};
  const auto auc = Measured(report, "auto");
  ASSERT_TRUE(auc);
  EXPECT_TRUE(auc->measured);
  EXPECT_NEAR(auc->half_width, 0.05, 1e-12);
  EXPECT_EQ(auc->rows, 400);
  EXPECT_FALSE(Measured({{"overall", {{"auc", {{"value", nullptr}}}}}}, "auc"));
}

TEST(PartsDisagree, OfAMetricOnlyBeyondChance) {
  const auto said = [](double valid, double test) {
    Findings findings;
    SayMetricsDisagree({"auc", valid, 0.02, 1000, true}, {"auc", test, 0.02, 1000, true}, 0.95,
                       &findings);
    return findings.Count(Severity::kWarning);
  };
  EXPECT_EQ(said(0.80, 0.76), 0);
  EXPECT_EQ(said(0.80, 0.70), 1);
  EXPECT_EQ(said(0.70, 0.80), 1);
}

Table Draws(std::uint64_t seed, double shift, double share) {
  Columns columns;
  std::vector<double> x;
  std::vector<std::string> c;
  for (std::size_t i = 0; i < 2000; ++i) {
    x.push_back(Normal(i, seed) + shift);
    c.push_back(Uniform(i, seed + 5) < share ? "a" : Uniform(i, seed + 6) < 0.5 ? "b" : "c");
  }
  return columns.Numbers("x", x).Texts("c", c).Load();
}

TEST(PartsDisagree, OfColumnsThatShiftedAndNotOfTwoDraws) {
  EXPECT_THAT(DisagreementsOf(Draws(1, 0, 0.5), Draws(2, 0, 0.5)), IsEmpty());
  const auto found = DisagreementsOf(Draws(1, 0, 0.5), Draws(2, 0.5, 0.8));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].column, "c");
  EXPECT_NEAR(found[0].effect, 0.3, 0.04);
  EXPECT_NEAR(found[1].effect, 0.197, 0.04);  // 2 Phi(0.25) - 1
  EXPECT_LT(found[1].p_value, 1e-6);
  // Beyond chance, but of no size.
  EXPECT_THAT(DisagreementsOf(Draws(1, 0, 0.5), Draws(2, 0.15, 0.5)), IsEmpty());
}

TEST(PartsDisagree, HasTheTailsOfTheDistributions) {
  EXPECT_NEAR(KolmogorovTail(1.3581), 0.05, 1e-4);
  EXPECT_NEAR(KolmogorovTail(1.6276), 0.01, 1e-4);
  EXPECT_NEAR(ChiSquaredTail(11.0705, 5), 0.05, 1e-3);
  EXPECT_NEAR(ChiSquaredTail(37.5662, 20), 0.01, 1e-3);
}

}  // namespace
}  // namespace penstock::audit
