#include "operator/net/resolver.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

using std::chrono::steady_clock;

Result<std::vector<std::string>> Resolve(const std::string& host, std::stop_token stop = {}) {
  return ResolveHost(host, steady_clock::now() + std::chrono::seconds(20), std::move(stop));
}

TEST(Resolver, GivesNumericHostsBack) {
  EXPECT_EQ(Resolve("10.0.0.1").value(), std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(Resolve("::1").value(), std::vector<std::string>{"::1"});
}

TEST(Resolver, ReadsTheHostsFileAndPutsIpv4First) {
  const std::string text =
      "::1 gateway # comment gateway2\n127.0.0.1\tother Gateway\n# 1.1.1.1 gateway\nbad gateway\n";
  EXPECT_EQ(AddressesInHosts(text, "gateway"), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_TRUE(AddressesInHosts(text, "gateway2").empty());
}

TEST(Resolver, KnowsLocalhost) {
  auto found = Resolve("localhost");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->front(), "127.0.0.1");
}

TEST(Resolver, WaitsNoLongerThanItMay) {
  const auto begin = steady_clock::now();
  const auto late = ResolveHost("late.invalid", begin, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kTransient);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = Resolve("stopped.invalid", stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(IsLocalAddress, HoldsLoopbackAndLinkLocalInEveryForm) {
  for (const char* local : {"127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "::1",
                            "::", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.1.1"})
    EXPECT_TRUE(IsLocalAddress(local)) << local;
  for (const char* other : {"10.0.0.1", "169.253.0.1", "2001:db8::1", "::ffff:10.0.0.1", "name"})
    EXPECT_FALSE(IsLocalAddress(other)) << other;
}

}  // namespace
}  // namespace penstock::net
