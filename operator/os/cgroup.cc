#include "operator/os/cgroup.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/file.h"

namespace penstock {
namespace fs = std::filesystem;
namespace {

// What one group's folder says; nothing where it sets no limit or is not there.
using ReadLimit = std::optional<double> (*)(const fs::path& folder);

// A positive number; nothing for "max", "-1" and an empty file.
std::optional<double> Number(const std::string& word) {
  double number = 0;
  if (!(std::istringstream(word) >> number) || number <= 0) return std::nullopt;
  return number;
}

std::string FirstWord(const fs::path& file) {
  std::string word;
  std::istringstream(ReadFile(file).value_or("")) >> word;
  return word;
}

std::optional<double> Ratio(const std::optional<double>& quota,
                            const std::optional<double>& period) {
  return quota && period ? std::optional(*quota / *period) : std::nullopt;
}

std::optional<double> QuotaV2(const fs::path& folder) {
  std::string quota, period;
  std::istringstream(ReadFile(folder / "cpu.max").value_or("")) >> quota >> period;
  return Ratio(Number(quota), Number(period));
}

std::optional<double> QuotaV1(const fs::path& folder) {
  return Ratio(Number(FirstWord(folder / "cpu.cfs_quota_us")),
               Number(FirstWord(folder / "cpu.cfs_period_us")));
}

std::optional<double> MemoryV2(const fs::path& folder) {
  return Number(FirstWord(folder / "memory.max"));
}

std::optional<double> MemoryV1(const fs::path& folder) {
  const auto bytes = Number(FirstWord(folder / "memory.limit_in_bytes"));
  // The largest number of whole pages stands for no limit.
  return bytes && *bytes < 0x1p62 ? bytes : std::nullopt;
}

std::optional<double> OomKillsIn(const fs::path& file) {
  std::istringstream words(ReadFile(file).value_or(""));
  double count = 0;
  for (std::string key; words >> key >> count;)
    if (key == "oom_kill") return count;
  return std::nullopt;
}

std::optional<double> OomKillsV2(const fs::path& folder) {
  return OomKillsIn(folder / "memory.events");
}

std::optional<double> OomKillsV1(const fs::path& folder) {
  return OomKillsIn(folder / "memory.oom_control");
}

// `read` in the group and every one above it, the nearest first. Inside a container the mount shows
// the container's group as its root, while /proc/self/cgroup may still tell the host's path, of
// which nothing is there: the root itself is always the last.
std::vector<double> Upwards(const fs::path& mount, const std::string& group, ReadLimit read) {
  std::vector<double> found;
  for (fs::path path = fs::path(group).relative_path();; path = path.parent_path()) {
    if (const auto one = read(mount / path)) found.push_back(*one);
    if (path.empty()) return found;
  }
}

// What `read` finds for `controller` in all groups of this process, from lines such as
// "4:cpu,cpuacct:/kubepods/x" (version 1) or "0::/x" (version 2).
std::vector<double> Read(const CgroupFiles& files, const std::string& controller, ReadLimit v2,
                         ReadLimit v1) {
  std::vector<double> found;
  std::istringstream lines(ReadFile(files.self).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    std::vector<double> here;
    if (controllers.empty()) {
      here = Upwards(files.root, group, v2);
    } else if (("," + controllers + ",").find("," + controller + ",") != std::string::npos) {
      // Mounted under all its names, or under the one alone.
      here = Upwards(files.root / controllers, group, v1);
      if (here.empty()) here = Upwards(files.root / controller, group, v1);
    }
    found.insert(found.end(), here.begin(), here.end());
  }
  return found;
}

std::optional<double> Least(const std::vector<double>& limits) {
  const auto least = std::min_element(limits.begin(), limits.end());
  return least == limits.end() ? std::nullopt : std::optional(*least);
}

int AffinityCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> CpuQuota(const CgroupFiles& files) {
  return Least(Read(files, "cpu", QuotaV2, QuotaV1));
}

int UsableCpus(const CgroupFiles& files, int affinity) {
  const double quota = CpuQuota(files).value_or(affinity);
  return std::max(1, static_cast<int>(std::min<double>(quota, affinity)));
}

int UsableCpus() { return UsableCpus({}, AffinityCpus()); }

std::optional<std::uint64_t> MemoryLimit(const CgroupFiles& files) {
  const auto bytes = Least(Read(files, "memory", MemoryV2, MemoryV1));
  return bytes ? std::optional(static_cast<std::uint64_t>(*bytes)) : std::nullopt;
}

std::uint64_t UsableMemory() {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(MemoryLimit().value_or(machine), machine);
}

std::optional<std::uint64_t> OomKills(const CgroupFiles& files) {
  const auto counts = Read(files, "memory", OomKillsV2, OomKillsV1);
  return counts.empty() ? std::nullopt : std::optional(static_cast<std::uint64_t>(counts.front()));
}

}  // namespace penstock
