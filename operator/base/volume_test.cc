#include "operator/base/volume.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;

TEST(Volume, KeepsOnePercentWithinBoundsThatSuitSmallAndLargeOnes) {
  EXPECT_EQ(ReserveOf({.size = 48 * kMiB}), 3 * kMiB);
  EXPECT_EQ(ReserveOf({.size = kGiB}), 64 * kMiB);
  EXPECT_EQ(ReserveOf({.size = 20 * kGiB}), 20 * kGiB / 100);
  EXPECT_EQ(ReserveOf({.size = 4096 * kGiB}), kGiB);
}

TEST(Volume, IsFullBeforeTheReserveIsTouchedByBytesOrByFiles) {
  const VolumeSpace half{.size = 100 * kGiB, .free = 50 * kGiB};
  EXPECT_FALSE(IsFull(half));
  EXPECT_FALSE(IsFull(half, 49 * kGiB));
  EXPECT_TRUE(IsFull(half, 50 * kGiB)) << "an upload that would leave nothing";
  EXPECT_TRUE(IsFull({.size = 100 * kGiB, .free = kGiB - 1}));
  EXPECT_TRUE(IsFull({.size = 100 * kGiB, .free = 50 * kGiB, .files = 1000, .free_files = 9}));
}

TEST(Volume, IsNearlyFullBeforeItIsFull) {
  EXPECT_FALSE(IsNearlyFull({.size = 100 * kGiB, .free = 11 * kGiB}));
  EXPECT_TRUE(IsNearlyFull({.size = 100 * kGiB, .free = 9 * kGiB}));
  EXPECT_TRUE(
      IsNearlyFull({.size = 100 * kGiB, .free = 90 * kGiB, .files = 1000, .free_files = 99}));
}

TEST(Volume, IsLookedAtThroughAFolderThatIsNotMadeYet) {
  const auto there = SpaceOf(testing::TempDir());
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_GT(there->size, 0U);
  const auto absent = SpaceOf(testing::TempDir() + "/absent/below");
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_EQ(absent->size, there->size);
}

}  // namespace
}  // namespace penstock
