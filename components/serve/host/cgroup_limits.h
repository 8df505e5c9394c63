// What the model server makes of its control group's limits (operator/os/cgroup.h). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace penstock::serve {

// Where a number of threads comes from, for the log: "asked for", "CPU quota 1.5", "no CPU quota".
[[nodiscard]] std::string DescribeCpus(std::optional<double> quota, int asked_threads);

// For how long a thread looks for the next request before it sleeps (busy_poll.h): `asked_us`.
// Where that is negative: 0 under a quota, which looking would use up, else 50 us, what two wakings
// of a sleeping processor take on a virtual machine.
[[nodiscard]] std::chrono::microseconds BusyPollMoment(int asked_us, std::optional<double> quota);

// A byte of the budget of bodies (operator/base/byte_budget.h) stands for so much memory at most: a
// body, its copy, the index of its JSON (four bytes for each) and the tensors that it becomes.
// Shown by tests/serving/test_memory.py.
constexpr std::uint64_t kMemoryPerByte = 12;

// How many bytes the bodies of requests may have: one, and all together.
struct BodyLimits {
  std::uint64_t one = 0;
  std::uint64_t all = 0;
};

// Several of the largest. Where memory is limited, so many that what they are read into
// fits beside the program and `model_bytes`. `asked` for one body, and granted
// whatever the memory; 0: 64 MiB, or half of what all may have where that is less.
[[nodiscard]] BodyLimits LimitBodies(std::uint64_t asked, std::optional<std::uint64_t> memory,
                                     std::uint64_t model_bytes);

}  // namespace penstock::serve
