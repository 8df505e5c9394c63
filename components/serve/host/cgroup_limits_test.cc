#include "components/serve/host/cgroup_limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace penstock::serve {
namespace {

class CgroupLimits : public testing::Test {
 protected:
  CgroupLimits()
      : root_(testing::TempDir() + "cgroup_limits." +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~CgroupLimits() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  const std::string root_;
};

TEST_F(CgroupLimits, ReadsVersion2) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 1.5);
}

TEST_F(CgroupLimits, TakesTheLeastOfTheGroupsAbove) {
  Write("/proc/self/cgroup", "0::/pods/pod1/c\n");
  Write("/sys/fs/cgroup/pods/cpu.max", "800000 100000\n");
  Write("/sys/fs/cgroup/pods/pod1/cpu.max", "200000 100000\n");
  Write("/sys/fs/cgroup/pods/pod1/c/cpu.max", "max 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 2.0);
}

TEST_F(CgroupLimits, ReadsVersion1) {
  Write("/proc/self/cgroup", "5:memory:/a\n3:cpu,cpuacct:/a\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 4.0);
}

TEST_F(CgroupLimits, IsNothingWithoutALimit) {
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
  Write("/proc/self/cgroup", "0::/\n3:cpuset:/\n");
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
  EXPECT_GE(UsableCpus(), 1);
}

TEST_F(CgroupLimits, IsNamedInTheLog) {
  EXPECT_EQ(DescribeCpus(1.5, 0), "CPU quota 1.5");
  EXPECT_EQ(DescribeCpus(2, 0), "CPU quota 2");
  EXPECT_EQ(DescribeCpus(std::nullopt, 0), "no CPU quota");
  EXPECT_EQ(DescribeCpus(1.5, 3), "asked for");
}

TEST_F(CgroupLimits, ReadsTheMemoryOfVersion2) {
  Write("/proc/self/cgroup", "0::/pods/pod1\n");
  Write("/sys/fs/cgroup/pods/memory.max", "1073741824\n");
  Write("/sys/fs/cgroup/pods/pod1/memory.max", "536870912\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 512ULL << 20);
  Write("/sys/fs/cgroup/pods/pod1/memory.max", "max\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 1ULL << 30);
}

TEST_F(CgroupLimits, ReadsTheMemoryOfVersion1) {
  Write("/proc/self/cgroup", "5:memory:/a\n3:cpu,cpuacct:/a\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), std::nullopt);
  Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 256ULL << 20);
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
