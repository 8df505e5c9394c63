#include "operator/artifacts/resolver.h"

#include <gtest/gtest.h>

namespace penstock::artifacts {
namespace {

TEST(Resolver, GivesNumericHostsBack) {
  EXPECT_EQ(ResolveHost("10.0.0.1").value(), std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(ResolveHost("::1").value(), std::vector<std::string>{"::1"});
}

TEST(Resolver, ReadsTheHostsFileAndPutsIpv4First) {
  const std::string text =
      "::1 gateway # comment gateway2\n127.0.0.1\tother Gateway\n# 1.1.1.1 gateway\nbad gateway\n";
  EXPECT_EQ(AddressesInHosts(text, "gateway"), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_TRUE(AddressesInHosts(text, "gateway2").empty());
}

TEST(Resolver, KnowsLocalhost) {
  auto found = ResolveHost("localhost");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->front(), "127.0.0.1");
}

}  // namespace
}  // namespace penstock::artifacts
