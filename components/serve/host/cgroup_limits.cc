#include "components/serve/host/cgroup_limits.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "components/serve/host/byte_budget.h"

namespace penstock::serve {
namespace {

std::optional<double> Ratio(const std::string& quota, const std::string& period) {
  try {
    const double q = std::stod(quota);
    const double p = std::stod(period);
    if (q > 0 && p > 0) return q / p;
  } catch (const std::exception&) {
    // "max", "-1" or an empty file: no quota here
  }
  return std::nullopt;
}

std::string Word(std::istream& in) {
  std::string word;
  in >> word;
  return word;
}

std::optional<double> QuotaV2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  const std::string quota = Word(file);
  return Ratio(quota, Word(file));
}

std::optional<double> QuotaV1(const std::string& folder) {
  std::ifstream quota(folder + "/cpu.cfs_quota_us");
  std::ifstream period(folder + "/cpu.cfs_period_us");
  return Ratio(Word(quota), Word(period));
}

std::optional<double> Bytes(const std::string& file) {
  std::ifstream in(file);
  const auto bytes = Ratio(Word(in), "1");
  // Version 1 writes the largest number of whole pages where there is no limit.
  return bytes && *bytes < 0x1p62 ? bytes : std::nullopt;
}

std::optional<double> MemoryV2(const std::string& folder) { return Bytes(folder + "/memory.max"); }

std::optional<double> MemoryV1(const std::string& folder) {
  return Bytes(folder + "/memory.limit_in_bytes");
}

using ReadLimit = std::optional<double> (*)(const std::string& folder);

// The least of `read` in base + path and every folder above it, down to base itself.
std::optional<double> LeastUpwards(const std::string& base, std::string path, ReadLimit read) {
  std::optional<double> least;
  while (true) {
    const auto own = read(base + (path == "/" ? "" : path));
    if (own && (!least || *own < *least)) least = own;
    if (path.empty() || path == "/") return least;
    path.resize(path.rfind('/'));
  }
}

bool Names(const std::string& controllers, const std::string& name) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');) {
    if (one == name) return true;
  }
  return false;
}

// The least limit of `controller` in all groups of this process.
std::optional<double> Least(const std::string& root, const std::string& controller, ReadLimit v2,
                            ReadLimit v1) {
  std::ifstream groups(root + "/proc/self/cgroup");  // "hierarchy:controllers:path" a line
  std::optional<double> least;
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    std::optional<double> own;
    if (controllers.empty()) {
      own = LeastUpwards(root + "/sys/fs/cgroup", path, v2);
    } else if (Names(controllers, controller)) {
      own = LeastUpwards(root + "/sys/fs/cgroup/" + controllers, path, v1);
      if (!own) own = LeastUpwards(root + "/sys/fs/cgroup/" + controller, path, v1);
    }
    if (own && (!least || *own < *least)) least = own;
  }
  return least;
}

}  // namespace

std::optional<double> CgroupCpuQuota(const std::string& root) {
  return Least(root, "cpu", QuotaV2, QuotaV1);
}

std::optional<std::uint64_t> CgroupMemoryLimit(const std::string& root) {
  const auto bytes = Least(root, "memory", MemoryV2, MemoryV1);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::chrono::microseconds BusyPollMoment(int asked_us, std::optional<double> quota) {
  constexpr int kUsual = 50;
  if (asked_us >= 0) return std::chrono::microseconds(asked_us);
  return std::chrono::microseconds(quota ? 0 : kUsual);
}

BodyLimits LimitBodies(std::uint64_t asked, std::optional<std::uint64_t> memory,
                       std::uint64_t model_bytes) {
  constexpr std::uint64_t kMiB = 1ULL << 20;
  constexpr std::uint64_t kLargest = 64 * kMiB;
  constexpr std::uint64_t kProgram = 160 * kMiB;  // with LibTorch, at rest
  // Incomplete messages of gRPC are beside the budget: four of the largest, up to twice their size.
  constexpr std::uint64_t kShares = kMemoryPerByte + 4;
  const std::uint64_t taken = kProgram + model_bytes;
  const std::uint64_t share =
      !memory ? UINT64_MAX : std::max(2 * kMiB, (*memory - std::min(*memory, taken)) / kShares);
  BodyLimits limits;
  limits.one = asked > 0 ? asked : std::min(kLargest, share / 2);
  // Twice: a body that is inflated, or of a predict request, counts again.
  limits.all = std::max(2 * limits.one, std::min(4 * std::max(limits.one, kLargest), share));
  return limits;
}

std::string DescribeCpus(std::optional<double> quota, int asked_threads) {
  if (asked_threads > 0) return "asked for";
  if (!quota) return "no CPU quota";
  std::ostringstream text;
  text << "CPU quota " << *quota;
  return text.str();
}

int UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cpus = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  if (const auto quota = CgroupCpuQuota()) cpus = std::min(cpus, static_cast<int>(*quota));
  return std::max(1, cpus);
}

}  // namespace penstock::serve
