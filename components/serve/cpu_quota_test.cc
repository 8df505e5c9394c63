#include "components/serve/cpu_quota.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace penstock::serve {
namespace {

class CpuQuota : public testing::Test {
 protected:
  CpuQuota()
      : root_(testing::TempDir() + "cpu_quota." +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~CpuQuota() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  const std::string root_;
};

TEST_F(CpuQuota, ReadsVersion2) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 1.5);
}

TEST_F(CpuQuota, TakesTheLeastOfTheGroupsAbove) {
  Write("/proc/self/cgroup", "0::/pods/pod1/c\n");
  Write("/sys/fs/cgroup/pods/cpu.max", "800000 100000\n");
  Write("/sys/fs/cgroup/pods/pod1/cpu.max", "200000 100000\n");
  Write("/sys/fs/cgroup/pods/pod1/c/cpu.max", "max 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 2.0);
}

TEST_F(CpuQuota, ReadsVersion1) {
  Write("/proc/self/cgroup", "5:memory:/a\n3:cpu,cpuacct:/a\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), 4.0);
}

TEST_F(CpuQuota, IsNothingWithoutALimit) {
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
  Write("/proc/self/cgroup", "0::/\n3:cpuset:/\n");
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(CgroupCpuQuota(root_), std::nullopt);
  EXPECT_GE(UsableCpus(), 1);
}

TEST_F(CpuQuota, IsNamedInTheLog) {
  EXPECT_EQ(DescribeCpus(1.5, 0), "CPU quota 1.5");
  EXPECT_EQ(DescribeCpus(2, 0), "CPU quota 2");
  EXPECT_EQ(DescribeCpus(std::nullopt, 0), "no CPU quota");
  EXPECT_EQ(DescribeCpus(1.5, 3), "asked for");
}

}  // namespace
}  // namespace penstock::serve
