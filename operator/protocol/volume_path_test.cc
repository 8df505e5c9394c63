#include "operator/protocol/volume_path.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(VolumePath, NoPathLeadsOutOfItsVolume) {
  for (const char* good : {"a", "a/b.txt", ".hidden", "a..b", "a/..b"})
    EXPECT_EQ(WhyNoPathInVolume(good), "") << good;
  for (const char* bad : {"", "/etc/x", "..", "../x", "a/../../x", "a/..", "..data"})
    EXPECT_NE(WhyNoPathInVolume(bad), "") << bad;
}

TEST(VolumePath, KeysAreThoseThatKubernetesTakes) {
  for (const char* good : {"a", "a.csv", "A-b_c.9", ".netrc"})
    EXPECT_EQ(WhyNoConfigKey(good), "") << good;
  for (const char* bad : {"", ".", "..", "..a", "a/b", "../x", "/x", "a b", "caf\u00e9"})
    EXPECT_NE(WhyNoConfigKey(bad), "") << bad;
  EXPECT_NE(WhyNoConfigKey(std::string(254, 'k')), "");
}

}  // namespace
}  // namespace penstock
