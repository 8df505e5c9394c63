#include "components/launcher/cgroup.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/file.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

// The path of this process in the hierarchy of `controller` ("" is version 2), from lines such as
// "4:cpu,cpuacct:/kubepods/x" or "0::/x".
std::string PathOf(const std::string& self, const std::string& controller) {
  std::istringstream lines(self);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string list = "," + line.substr(first + 1, second - first - 1) + ",";
    if (list == "," + controller + "," ||
        (!controller.empty() && list.find("," + controller + ",") != list.npos))
      return line.substr(second + 1);
  }
  return "/";
}

// A file of the process's own cgroup. Inside a container the mount shows that cgroup as its root,
// while /proc/self/cgroup may still tell the host's path; so the root is tried too.
std::optional<std::string> Read(const CgroupFiles& files, const std::string& controller,
                                const std::vector<std::string>& mounts, const std::string& name) {
  const auto self = ReadFile(files.self);
  const std::string own = self ? PathOf(*self, controller) : "/";
  for (const auto& mount : mounts)
    for (const std::string& path : {own, std::string("/")}) {
      auto text = ReadFile(files.root / mount / path.substr(1) / name);
      if (text) return *text;
    }
  return std::nullopt;
}

std::optional<double> Quota(const CgroupFiles& files) {
  double quota = -1;
  double period = 100'000;
  if (auto v2 = Read(files, "", {""}, "cpu.max")) {
    std::istringstream in(*v2);
    std::string first;
    in >> first >> period;
    if (first == "max" || first.empty()) return std::nullopt;
    std::istringstream(first) >> quota;
  } else {
    const std::vector<std::string> mounts{"cpu", "cpu,cpuacct"};
    auto q = Read(files, "cpu", mounts, "cpu.cfs_quota_us");
    auto p = Read(files, "cpu", mounts, "cpu.cfs_period_us");
    if (!q || !p) return std::nullopt;
    std::istringstream(*q) >> quota;
    std::istringstream(*p) >> period;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

int AffinityCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int CpuCount(const CgroupFiles& files, int affinity) {
  const auto quota = Quota(files);
  if (!quota) return std::max(1, affinity);
  return std::clamp(static_cast<int>(std::ceil(std::min(*quota, 1e6))), 1, std::max(1, affinity));
}

std::optional<std::uint64_t> OomKills(const CgroupFiles& files) {
  auto text = Read(files, "", {""}, "memory.events");
  if (!text) text = Read(files, "memory", {"memory"}, "memory.oom_control");
  if (!text) return std::nullopt;
  std::istringstream words(*text);
  std::uint64_t count = 0;
  for (std::string key; words >> key >> count;)
    if (key == "oom_kill") return count;
  return std::nullopt;
}

}  // namespace penstock::launcher
