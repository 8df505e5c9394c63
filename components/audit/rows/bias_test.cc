#include "components/audit/rows/bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Columns People(double rate_of_women) {
  std::vector<std::string> gender, job;
  std::vector<std::int64_t> hired;
  std::vector<double> height, pay;
  for (std::size_t i = 0; i < 2000; ++i) {
    const bool woman = Uniform(i, 1) < 0.5;
    gender.push_back(i < 3 ? "other" : i % 100 == 7 ? "" : woman ? "woman" : "man");
    hired.push_back(Uniform(i, 2) < (woman ? rate_of_women : 0.5) ? 1 : 0);
    height.push_back((woman ? 160 : 190) + 5 * Normal(i, 3));
    job.push_back("job" + std::to_string(int(5 * Uniform(i, 4))));
    pay.push_back(10 + 2 * Normal(i, 6) - (woman ? 1 : 0));
  }
  Columns columns;
  columns.Texts("gender", gender).Integers("hired", hired).Numbers("height", height);
  return columns.Texts("job", job).Numbers("pay", pay).Role("gender", sdk::Role::kProtected);
}

TEST(LabelBias, IsSaidWithIntervalsWhereItIsBeyondChance) {
  const auto table = People(0.3).Load();
  const auto bias = LabelBiasOf(*table.Find("gender"), *TargetOf(table, "hired", "auto"), 0.95);
  ASSERT_TRUE(bias);
  EXPECT_NEAR(bias->gap, 0.2, 0.07);
  EXPECT_EQ(bias->of_class, "1");
  EXPECT_EQ(bias->small_groups, 2);  // other, and null, of fewer than 30 rows
  ASSERT_EQ(bias->groups.size(), 2U);
  Findings findings;
  SayLabelBias(*bias, 0.1, &findings);
  ASSERT_EQ(findings.Count(Severity::kWarning), 1);
  EXPECT_THAT(findings.all()[0].message, HasSubstr("of the label '1' differs by 'gender'"));
  // A gap that is allowed is only mentioned.
  SayLabelBias(*bias, 0.5, &findings);
  EXPECT_EQ(findings.Count(Severity::kInfo), 1);
}

TEST(LabelBias, IsNotSaidOfChance) {
  const auto table = People(0.5).Load();
  const auto bias = LabelBiasOf(*table.Find("gender"), *TargetOf(table, "hired", "auto"), 0.95);
  Findings findings;
  SayLabelBias(*bias, 0, &findings);
  EXPECT_TRUE(findings.all().empty());
}

TEST(LabelBias, OfANumberIsInStandardDeviations) {
  const auto table = People(0.5).Load();
  const auto bias = LabelBiasOf(*table.Find("gender"), *TargetOf(table, "pay", "auto"), 0.95);
  ASSERT_TRUE(bias);
  EXPECT_NEAR(bias->gap, 1 / 2.06, 0.1);
  EXPECT_GT(bias->low, 0.2);
}

TEST(Proxies, AreFeaturesThatTellAProtectedColumn) {
  const auto columns = People(0.5);
  const auto table = columns.Load();
  const auto found = ProxiesOf(table, "gender", "hired", 0.9, 0.95);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].feature, "height");
  Findings findings;
  SayProxies(found, &findings);
  EXPECT_THAT(findings.all().at(0).message, HasSubstr("tells the protected 'gender' with AUC 0.9"));
}

}  // namespace
}  // namespace penstock::audit
