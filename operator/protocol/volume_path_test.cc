#include "operator/protocol/volume_path.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(VolumePath, NoPathLeadsOutOfItsVolume) {
  for (const char* good : {"a", "a/b.txt", ".hidden", "a..b", "a/..b"}) {
    EXPECT_EQ(WhyNoPathInVolume(good), "") << good;
    EXPECT_EQ(WhyNoFileInVolume(good), "") << good;
  }
  for (const char* bad : {"", "/etc/x", "..", "../x", "a/../../x", "a/.."}) {
    EXPECT_NE(WhyNoPathInVolume(bad), "") << bad;
    EXPECT_NE(WhyNoFileInVolume(bad), "") << bad;
  }
}

TEST(VolumePath, WhatTheKubeletLaysOutIsReadAndNotWritten) {
  for (const char* kubelets : {"..data", "..data/x", "..2026_11_28"}) {
    EXPECT_EQ(WhyNoPathInVolume(kubelets), "") << kubelets;
    EXPECT_NE(WhyNoFileInVolume(kubelets), "") << kubelets;
  }
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
