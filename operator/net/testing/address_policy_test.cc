#include "operator/net/address_policy.h"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

AddressPolicy Policy(const std::vector<std::string>& deny = {},
                     const std::vector<std::string>& allow = {}) {
  AddressPolicy::Rules rules;
  rules.deny = ParseRanges(deny).value();
  rules.allow = ParseRanges(allow).value();
  rules.own = [] { return Result<std::vector<std::string>>({"10.96.0.1", "fd00::9"}); };
  return AddressPolicy(std::move(rules));
}

std::string Said(const AddressPolicy& policy, const std::string& address) {
  const auto may = policy.Check("host", address);
  if (may) return "";
  EXPECT_EQ(may.error().kind, ErrorKind::kForbidden) << address;
  return may.error().message;
}

TEST(AddressPolicy, NeverAsksThisMachineAndWhatIsBesideItWhateverIsAllowed) {
  const AddressPolicy policy = Policy({}, {"0.0.0.0/0", "::/0"});
  for (const char* never : {"127.0.0.1",
                            "127.9.9.9",
                            "0.0.0.0",
                            "0.1.2.3",
                            "169.254.169.254",
                            "224.0.0.1",
                            "239.255.255.255",
                            "255.255.255.255",
                            "::1",
                            "::",
                            "fe80::1",
                            "febf::1",
                            "ff02::1",
                            "::ffff:127.0.0.1",
                            "::ffff:169.254.1.1",
                            "::127.0.0.1",
                            "64:ff9b::169.254.169.254",
                            "2002:7f00:1::",
                            "fd00:ec2::254",
                            "fd00:ec2::23",
                            "fd20:ce::254",
                            "fd00:c1::a9fe:a9fe",
                            "fd00:42::42",
                            "192.0.0.192",
                            "100.100.100.200",
                            "168.63.129.16",
                            "64:ff9b::168.63.129.16",
                            "name",
                            ""})
    EXPECT_NE(Said(policy, never), "") << never;
  for (const char* other : {"10.0.0.1", "169.253.0.1", "2001:db8::1", "::ffff:10.0.0.1",
                            "64:ff9b::10.0.0.1", "fec0::1", "198.51.100.1"})
    EXPECT_EQ(Said(policy, other), "") << other;
}

TEST(AddressPolicy, NeverAsksTheApiServerOrTheOperatorsOwnNamespace) {
  const AddressPolicy policy = Policy({}, {"10.96.0.0/16"});
  EXPECT_THAT(Said(policy, "10.96.0.1"), HasSubstr("host (10.96.0.1)"));
  EXPECT_THAT(Said(policy, "10.96.0.1"), HasSubstr("the API server's"));
  EXPECT_NE(Said(policy, "::ffff:10.96.0.1"), "");
  EXPECT_NE(Said(policy, "64:ff9b::10.96.0.1"), "");
  EXPECT_NE(Said(policy, "fd00:0::9"), "");
  EXPECT_EQ(Said(policy, "10.96.0.2"), "");
}

TEST(AddressPolicy, AnAllowedRangeWinsOverADeniedOneAndTheRefusalNamesTheRule) {
  const AddressPolicy policy = Policy({"10.0.0.0/8", "fc00::/7"}, {"10.1.2.0/23", "10.9.9.9"});
  EXPECT_THAT(Said(policy, "10.3.0.1"),
              HasSubstr("10.0.0.0/8 is denied by the chart's sources.deny"));
  EXPECT_THAT(Said(policy, "10.3.0.1"), HasSubstr("sources.allow"));
  EXPECT_NE(Said(policy, "::ffff:10.3.0.1"), "");
  EXPECT_NE(Said(policy, "fd12::1"), "");
  for (const char* allowed : {"10.1.2.1", "10.1.3.255", "10.9.9.9", "11.0.0.1", "2001:db8::1"})
    EXPECT_EQ(Said(policy, allowed), "") << allowed;
  EXPECT_NE(Said(policy, "10.1.4.0"), "");
}

TEST(AddressPolicy, AsksNobodyWhileItIsNotKnownWhoIsOwn) {
  AddressPolicy::Rules rules;
  rules.own = [] { return Result<std::vector<std::string>>(Transient("no answer")); };
  const auto may = AddressPolicy(std::move(rules)).Check("h", "198.51.100.1");
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().kind, ErrorKind::kTransient);
}

TEST(AddressRange, RefusesWhatIsNoRange) {
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/x", "fd00::/129",
                          "minio", "10.0.0/8", "10.0.0.0/-1", "fd00::1/64"})
    EXPECT_FALSE(AddressRange::Parse(bad)) << bad;
  EXPECT_TRUE(AddressRange::Parse("0.0.0.0/0"));
  EXPECT_TRUE(AddressRange::Parse("::ffff:10.0.0.0/104"));
}

}  // namespace
}  // namespace penstock::net
