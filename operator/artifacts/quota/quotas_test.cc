#include "operator/artifacts/quota/quotas.h"

#include <gtest/gtest.h>

namespace penstock::artifacts {
namespace {

TEST(Quotas, AreReadAsKubernetesWritesQuantities) {
  const auto quotas = ParseQuotas({"10Gi", "team-a=2Ti", "team-b=0", "team-c=1500M"});
  ASSERT_TRUE(quotas) << quotas.error().message;
  EXPECT_EQ(quotas->Of("others"), 10ULL << 30);
  EXPECT_EQ(quotas->Of("team-a"), 2ULL << 40);
  EXPECT_EQ(quotas->Of("team-b"), 0U) << "no limit";
  EXPECT_EQ(quotas->Of("team-c"), 1'500'000'000U);
  EXPECT_TRUE(quotas->Any());
  EXPECT_FALSE(ParseQuotas({})->Any());
  EXPECT_FALSE(ParseQuotas({"0", "a=0"})->Any());
}

TEST(Quotas, WhatIsNoneIsRefusedByItsText) {
  for (const char* wrong : {"", "much", "10GB", "1.5Gi", "-1", "a=", "=1Gi", "9000Pi", "1e3"}) {
    const auto quotas = ParseQuotas({wrong});
    ASSERT_FALSE(quotas) << wrong;
    EXPECT_NE(quotas.error().message.find("'" + std::string(wrong) + "' is no quota"),
              std::string::npos)
        << quotas.error().message;
  }
  EXPECT_FALSE(ParseQuotas({"a=1Gi", "a=2Gi"}));
  EXPECT_FALSE(ParseQuotas({"1Gi", "2Gi"}));
}

TEST(Quotas, AmountsAreToldInGibibytes) {
  EXPECT_EQ(Gibibytes(10ULL << 30), "10 GiB");
  EXPECT_EQ(Gibibytes(1ULL << 29), "0.5 GiB");
}

}  // namespace
}  // namespace penstock::artifacts
