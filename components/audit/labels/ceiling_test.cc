#include "components/audit/labels/ceiling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using testing::HasSubstr;

std::vector<Finding> Said(const Columns& columns) {
  const auto target = TargetOf(columns.Load(), "y", "auto");
  EXPECT_TRUE(target);
  Findings findings;
  SayCeilings(CeilingsOf(*target), "y", &findings);
  return findings.all();
}

TEST(Ceiling, OfOrdinaryLabelsIsWhatAPerfectModelGets) {
  EXPECT_TRUE(Said(Columns().Integers("y", {0, 1, 1, 0, 1})).empty());
  EXPECT_TRUE(Said(Columns().Texts("y", {"a", "b", "c", "a"})).empty());
  EXPECT_TRUE(Said(Columns().Numbers("y", {1.5, 2.5, 7, kNull})).empty());
}

TEST(Ceiling, SaysThatFloat32DoesNotTellTheLabelsApart) {
  const auto said = Said(Columns().Numbers("y", {1e9 + 1, 1e9 + 2, 1e9 + 40, 1e9 + 3}));
  ASSERT_FALSE(said.empty());
  EXPECT_THAT(said[0].message, HasSubstr("float32"));
  EXPECT_EQ(said[0].severity, Severity::kWarning);
}

TEST(Ceiling, SaysWhichMetricIsNotDefined) {
  const auto said = Said(Columns().Numbers("y", {0, 1.5, 2.5}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0].message, HasSubstr("mape is not defined"));
  EXPECT_EQ(said[0].severity, Severity::kInfo);
}

}  // namespace
}  // namespace penstock::audit
