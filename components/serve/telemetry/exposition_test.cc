#include "components/serve/telemetry/exposition.h"

#include <gtest/gtest.h>

#include <limits>

namespace penstock::serve {
namespace {

TEST(Expose, KeepsTheFormatWholeWhateverALabelHolds) {
  EXPECT_EQ(Expose("n", FamilyType::kGauge, "Help.", {{1.5, {{"k", "요금 \"a\"\\\n"}}}}),
            "# HELP n Help.\n# TYPE n gauge\nn{k=\"요금 \\\"a\\\"\\\\\\n\"} 1.5\n");
}

TEST(Expose, WritesWholeNumbersAndNaNAsTheFormatSays) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Expose("n", FamilyType::kCounter, "Help.", {{123456789, {}}, {nan, {}}, {nan, {}}}),
            "# HELP n Help.\n# TYPE n counter\nn 123456789\nn NaN\nn NaN\n");
}

TEST(Expose, TellsAFamilyWithoutSamples) {
  EXPECT_EQ(Expose("n", FamilyType::kGauge, "Help.", {}), "# HELP n Help.\n# TYPE n gauge\n");
}

}  // namespace
}  // namespace penstock::serve
