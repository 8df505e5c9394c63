// How much the namespaces of a store may hold. Value types. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::artifacts {

struct Quotas {
  std::uint64_t others = 0;                              // bytes; 0: no limit
  std::map<std::string, std::uint64_t> namespaces = {};  // bytes of those named; 0: no limit

  // 0: no limit.
  [[nodiscard]] std::uint64_t Of(const std::string& ns) const;
  [[nodiscard]] bool Any() const;
};

// "team-a=100Gi" for a namespace, "10Gi" for all that are not named. Invalid names the entry.
[[nodiscard]] Result<Quotas> ParseQuotas(const std::vector<std::string>& entries);

// "99.5 GiB".
[[nodiscard]] std::string Gibibytes(std::uint64_t bytes);

}  // namespace penstock::artifacts
