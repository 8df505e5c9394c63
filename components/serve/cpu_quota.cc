#include "components/serve/cpu_quota.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

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

// The least of `read` in base + path and every folder above it, down to base itself.
template <typename F>
std::optional<double> LeastUpwards(const std::string& base, std::string path, F read) {
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

}  // namespace

std::optional<double> CgroupCpuQuota(const std::string& root) {
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
      own = LeastUpwards(root + "/sys/fs/cgroup", path, QuotaV2);
    } else if (Names(controllers, "cpu")) {
      own = LeastUpwards(root + "/sys/fs/cgroup/" + controllers, path, QuotaV1);
      if (!own) own = LeastUpwards(root + "/sys/fs/cgroup/cpu", path, QuotaV1);
    }
    if (own && (!least || *own < *least)) least = own;
  }
  return least;
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
