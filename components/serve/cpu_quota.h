// How many CPUs this process may use: its affinity, cut by the CPU quota of its control groups,
// version 1 or 2.
#pragma once

#include <optional>
#include <string>

namespace penstock::serve {

// The quota in CPUs (1.5 for 150 ms of 100 ms), the smallest from the process's group up to the
// root; nothing where there is none. `root` stands for "/" in tests.
[[nodiscard]] std::optional<double> CgroupCpuQuota(const std::string& root = "");

// Whole CPUs, rounded down so that threads never exceed the quota; at least 1.
[[nodiscard]] int UsableCpus();

// Where a number of threads comes from, for the log: "asked for", "CPU quota 1.5", "no CPU quota".
[[nodiscard]] std::string DescribeCpus(std::optional<double> quota, int asked_threads);

}  // namespace penstock::serve
