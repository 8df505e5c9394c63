#include "components/launcher/cgroup.h"

#include <gtest/gtest.h>

#include <fstream>

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }
  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("cgroup_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  const CgroupFiles files_{dir_ / "sys", dir_ / "self"};
};

TEST_F(Cgroup, RoundsAVersion2QuotaUp) {
  Write("self", "0::/\n");
  Write("sys/cpu.max", "150000 100000\n");
  EXPECT_EQ(CpuCount(files_, 8), 2);
  Write("sys/cpu.max", "10000 100000\n");
  EXPECT_EQ(CpuCount(files_, 8), 1);
  Write("sys/cpu.max", "max 100000\n");
  EXPECT_EQ(CpuCount(files_, 8), 8);
}

TEST_F(Cgroup, NeverGivesMoreThanTheAffinity) {
  Write("self", "0::/\n");
  Write("sys/cpu.max", "1600000 100000\n");
  EXPECT_EQ(CpuCount(files_, 4), 4);
}

TEST_F(Cgroup, ReadsVersion1BelowItsOwnPath) {
  Write("self", "4:cpu,cpuacct:/kube/pod1\n3:memory:/kube/pod1\n");
  Write("sys/cpu/kube/pod1/cpu.cfs_quota_us", "300000\n");
  Write("sys/cpu/kube/pod1/cpu.cfs_period_us", "100000\n");
  Write("sys/memory/kube/pod1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  EXPECT_EQ(CpuCount(files_, 8), 3);
  EXPECT_EQ(OomKills(files_), 2u);
  Write("sys/cpu/kube/pod1/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(CpuCount(files_, 8), 8);
}

TEST_F(Cgroup, ReadsTheMountsRootWhereTheHostsPathIsNotThere) {
  Write("self", "0::/kubepods/pod1/container\n");
  Write("sys/cpu.max", "200000 100000\n");
  Write("sys/memory.events", "low 0\nhigh 0\nmax 5\noom 1\noom_kill 1\n");
  EXPECT_EQ(CpuCount(files_, 8), 2);
  EXPECT_EQ(OomKills(files_), 1u);
}

TEST_F(Cgroup, SaysNothingWhereThereIsNothing) {
  EXPECT_EQ(CpuCount(files_, 3), 3);
  EXPECT_FALSE(OomKills(files_));
}

}  // namespace
}  // namespace penstock::launcher
