// What this container may use: the cgroup's limits, else the machine's. Reads /sys and /proc.
#pragma once

#include <cstdint>

namespace penstock::query {

// Bytes of the cgroup's memory limit (v2, then v1), or of the machine.
[[nodiscard]] std::uint64_t MemoryQuota();
// OMP_NUM_THREADS (the launcher sets it from the CPU quota), else the machine's; at least 1.
[[nodiscard]] int ThreadQuota();

}  // namespace penstock::query
