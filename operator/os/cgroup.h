// What the control groups of this process, version 1 or 2, let it use. Groups nest: a limit is the
// smallest from the process's own group up to the root. Reads files only; thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace penstock {

struct CgroupFiles {
  std::filesystem::path root = "/sys/fs/cgroup";
  std::filesystem::path self = "/proc/self/cgroup";
};

// CPUs: 1.5 for 150 ms of every 100 ms. Nothing where there is no quota.
[[nodiscard]] std::optional<double> CpuQuota(const CgroupFiles& files = {});

// How many threads can compute at once: whole CPUs of the quota and of `affinity`, at least 1. A
// fraction is rounded down: the thread too many would be throttled in every period, and threads
// that work in step (OpenMP's, a batch's) would all wait for it.
[[nodiscard]] int UsableCpus(const CgroupFiles& files, int affinity);
[[nodiscard]] int UsableCpus();  // of this process

// Bytes of the limit. Nothing where there is none.
[[nodiscard]] std::optional<std::uint64_t> MemoryLimit(const CgroupFiles& files = {});
// Bytes of the limit, or of the machine where that has less or there is no limit.
[[nodiscard]] std::uint64_t UsableMemory();

// How many processes the kernel killed in the nearest group that tells, for lack of memory; nothing
// when not told.
[[nodiscard]] std::optional<std::uint64_t> OomKills(const CgroupFiles& files = {});

}  // namespace penstock
