#include "operator/os/cgroup.h"

#include <gtest/gtest.h>

#include <fstream>

namespace penstock {
namespace {
namespace fs = std::filesystem;

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  ~Cgroup() override { fs::remove_all(dir_); }
  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }
  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("cgroup_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  const CgroupFiles files_{dir_ / "sys", dir_ / "self"};
};

TEST_F(Cgroup, CountsNoThreadThatAVersion2QuotaWouldThrottle) {
  Write("self", "0::/\n");
  Write("sys/cpu.max", "150000 100000\n");
  EXPECT_EQ(CpuQuota(files_), 1.5);
  EXPECT_EQ(UsableCpus(files_, 8), 1);
  Write("sys/cpu.max", "10000 100000\n");
  EXPECT_EQ(UsableCpus(files_, 8), 1);
  Write("sys/cpu.max", "300000 100000\n");
  EXPECT_EQ(UsableCpus(files_, 8), 3);
  Write("sys/cpu.max", "max 100000\n");
  EXPECT_EQ(UsableCpus(files_, 8), 8);
}

TEST_F(Cgroup, NeverGivesMoreThanTheAffinity) {
  Write("self", "0::/\n");
  Write("sys/cpu.max", "1600000 100000\n");
  EXPECT_EQ(UsableCpus(files_, 4), 4);
}

TEST_F(Cgroup, TakesTheLeastOfTheGroupsAbove) {
  Write("self", "0::/pods/pod1/c\n");
  Write("sys/pods/cpu.max", "800000 100000\n");
  Write("sys/pods/pod1/cpu.max", "200000 100000\n");
  Write("sys/pods/pod1/c/cpu.max", "max 100000\n");
  EXPECT_EQ(CpuQuota(files_), 2.0);
}

TEST_F(Cgroup, ReadsVersion1BelowItsOwnPath) {
  Write("self", "4:cpu,cpuacct:/kube/pod1\n3:memory:/kube/pod1\n");
  Write("sys/cpu/kube/pod1/cpu.cfs_quota_us", "300000\n");
  Write("sys/cpu/kube/pod1/cpu.cfs_period_us", "100000\n");
  Write("sys/memory/kube/pod1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  EXPECT_EQ(UsableCpus(files_, 8), 3);
  EXPECT_EQ(OomKills(files_), 2u);
  Write("sys/cpu/kube/pod1/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(UsableCpus(files_, 8), 8);
}

TEST_F(Cgroup, ReadsVersion1MountedUnderAllItsNames) {
  Write("self", "5:memory:/a\n3:cpu,cpuacct:/a\n");
  Write("sys/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n");
  Write("sys/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  Write("sys/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  Write("sys/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CpuQuota(files_), 4.0);
}

TEST_F(Cgroup, ReadsTheMountsRootWhereTheHostsPathIsNotThere) {
  Write("self", "0::/kubepods/pod1/container\n");
  Write("sys/cpu.max", "200000 100000\n");
  Write("sys/memory.max", "1048576\n");
  Write("sys/memory.events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 1\n");
  EXPECT_EQ(UsableCpus(files_, 8), 2);
  EXPECT_EQ(MemoryLimit(files_), 1ULL << 20);
  EXPECT_EQ(OomKills(files_), 1u);
}

TEST_F(Cgroup, ReadsTheMemoryOfVersion2) {
  Write("self", "0::/pods/pod1\n");
  Write("sys/pods/memory.max", "1073741824\n");
  Write("sys/pods/pod1/memory.max", "536870912\n");
  EXPECT_EQ(MemoryLimit(files_), 512ULL << 20);
  Write("sys/pods/pod1/memory.max", "max\n");
  EXPECT_EQ(MemoryLimit(files_), 1ULL << 30);
}

TEST_F(Cgroup, ReadsTheMemoryOfVersion1) {
  Write("self", "5:memory:/a\n3:cpu,cpuacct:/a\n");
  Write("sys/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(MemoryLimit(files_), std::nullopt);
  Write("sys/memory/a/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(MemoryLimit(files_), 256ULL << 20);
}

TEST_F(Cgroup, CountsTheKillsOfItsOwnGroupBeforeThoseAbove) {
  Write("self", "0::/pods/pod1\n");
  Write("sys/pods/memory.events", "oom_kill 7\n");
  EXPECT_EQ(OomKills(files_), 7u);
  Write("sys/pods/pod1/memory.events", "oom_kill 2\n");
  EXPECT_EQ(OomKills(files_), 2u);
}

TEST_F(Cgroup, SaysNothingWhereThereIsNoLimit) {
  EXPECT_EQ(UsableCpus(files_, 3), 3);
  EXPECT_EQ(OomKills(files_), std::nullopt);
  Write("self", "0::/\n3:cpuset:/\n");
  Write("sys/cpu.max", "max 100000\n");
  EXPECT_EQ(CpuQuota(files_), std::nullopt);
  EXPECT_EQ(MemoryLimit(files_), std::nullopt);
}

TEST(CgroupOfThisProcess, LetsItUseSomething) {
  EXPECT_GE(UsableCpus(), 1);
  EXPECT_GT(UsableMemory(), 1U << 20);
}

}  // namespace
}  // namespace penstock
