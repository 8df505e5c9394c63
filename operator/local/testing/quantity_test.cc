#include "operator/local/quantity.h"

#include <gtest/gtest.h>

namespace penstock::local {
namespace {

TEST(Quantity, ReadsEverySuffixOfKubernetes) {
  EXPECT_EQ(*ParseMilliQuantity("500m"), 500);
  EXPECT_EQ(*ParseMilliQuantity("2"), 2000);
  EXPECT_EQ(*ParseMilliQuantity("0.1"), 100);
  EXPECT_EQ(*ParseQuantity("1Gi"), 1073741824);
  EXPECT_EQ(*ParseQuantity("1.5G"), 1500000000);
  EXPECT_EQ(*ParseQuantity("1e3"), 1000);
  EXPECT_EQ(*ParseQuantity("2E"), 2000000000000000000);
}

TEST(Quantity, RoundsUpToWholeUnits) {
  EXPECT_EQ(*ParseQuantity("100m"), 1);
  EXPECT_EQ(*ParseMilliQuantity("1u"), 1);
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text : {"", "m", "-1", "1 Gi", "1.2.3", "2GiB", "e3", "1e99", "nan"}) {
    const Result<std::int64_t> value = ParseQuantity(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().kind, ErrorKind::kInvalid) << text;
  }
  EXPECT_FALSE(ParseMilliQuantity("9E"));
}

}  // namespace
}  // namespace penstock::local
