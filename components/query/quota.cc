#include "components/query/quota.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace penstock::query {

std::uint64_t MemoryQuota() {
  const auto machine =
      std::uint64_t(::sysconf(_SC_PHYS_PAGES)) * std::uint64_t(::sysconf(_SC_PAGESIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::uint64_t limit = 0;
    // "max" is no number, and v1 says 2^63 for none.
    if (file >> limit) return std::min(limit, machine);
  }
  return machine;
}

int ThreadQuota() {
  const char* variable = std::getenv("OMP_NUM_THREADS");
  const int threads = variable == nullptr ? 0 : std::atoi(variable);
  return std::max(1, threads > 0 ? threads : int(std::thread::hardware_concurrency()));
}

}  // namespace penstock::query
