// What a collection of the artifact store, and its quotas, are to the log and the metrics. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/artifacts/gc/collection.h"
#include "operator/artifacts/quota/quota_objects.h"
#include "operator/base/time.h"
#include "operator/runtime/metrics.h"

namespace penstock::main {

struct CollectedWords {
  std::string text;     // one line
  bool failed = false;  // a namespace was not collected, or not to its end
};
[[nodiscard]] CollectedWords WordsOf(const artifacts::Collected& collected);

// "namespace team holds 9.5 GiB of the 10 GiB of artifacts that it may hold".
[[nodiscard]] std::string WordsOf(const artifacts::QuotaUse& use);
[[nodiscard]] std::vector<runtime::QuotaGauge> GaugesOf(
    const std::vector<artifacts::QuotaUse>& uses);

[[nodiscard]] runtime::StoreCounts CountsOf(const artifacts::Collected& collected, TimePoint now);

}  // namespace penstock::main
