#include "components/serve/host/cgroup_limits.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace penstock::serve {
namespace {

TEST(CgroupLimits, IsNamedInTheLog) {
  EXPECT_EQ(DescribeCpus(1.5, 0), "CPU quota 1.5");
  EXPECT_EQ(DescribeCpus(2, 0), "CPU quota 2");
  EXPECT_EQ(DescribeCpus(std::nullopt, 0), "no CPU quota");
  EXPECT_EQ(DescribeCpus(1.5, 3), "asked for");
}

TEST(BusyPollMoment, IsNoneUnderAQuotaUnlessAskedFor) {
  EXPECT_EQ(BusyPollMoment(-1, std::nullopt), std::chrono::microseconds(50));
  EXPECT_EQ(BusyPollMoment(-1, 0.5), std::chrono::microseconds(0));
  EXPECT_EQ(BusyPollMoment(20, 0.5), std::chrono::microseconds(20));
  EXPECT_EQ(BusyPollMoment(0, std::nullopt), std::chrono::microseconds(0));
}

TEST(LimitBodies, LeavesMemoryForWhatBodiesAreReadInto) {
  constexpr std::uint64_t kMiB = 1ULL << 20;
  const auto mib = [](std::uint64_t asked, std::optional<std::uint64_t> memory,
                      std::uint64_t model = 0) {
    if (memory) memory = *memory * kMiB;
    const BodyLimits limits = LimitBodies(asked * kMiB, memory, model * kMiB);
    return std::pair(limits.one / kMiB, limits.all / kMiB);
  };
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(mib(0, std::nullopt), Pair(64, 256));
  EXPECT_EQ(mib(1, std::nullopt), Pair(1, 256));
  EXPECT_EQ(mib(100, std::nullopt), Pair(100, 400));
  EXPECT_EQ(mib(0, 8192), Pair(64, 256));
  EXPECT_EQ(mib(0, 1120), Pair(30, 60));
  EXPECT_EQ(mib(0, 1120, 480), Pair(15, 30));  // beside the model
  EXPECT_EQ(mib(0, 100), Pair(1, 2));          // too little for the program itself
  EXPECT_EQ(mib(64, 256), Pair(64, 128));      // as asked, whatever comes of it
}

}  // namespace
}  // namespace penstock::serve
