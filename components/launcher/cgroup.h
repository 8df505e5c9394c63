// What the container may use, from cgroup v2 or v1. Reads files only; thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace penstock::launcher {

struct CgroupFiles {
  std::filesystem::path root = "/sys/fs/cgroup";
  std::filesystem::path self = "/proc/self/cgroup";
};

// The CPU quota, rounded up, at least 1 and at most the CPUs of the affinity mask; without a quota
// the mask's count.
[[nodiscard]] int CpuCount(const CgroupFiles& files, int affinity);
// The CPUs that this process may run on.
[[nodiscard]] int AffinityCpus();

// How many processes the kernel killed in this cgroup for lack of memory; nothing when not told.
[[nodiscard]] std::optional<std::uint64_t> OomKills(const CgroupFiles& files);

}  // namespace penstock::launcher
