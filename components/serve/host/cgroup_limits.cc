#include "components/serve/host/cgroup_limits.h"

#include <algorithm>
#include <sstream>

namespace penstock::serve {

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

}  // namespace penstock::serve
