// What a collection of the artifact store is to the log and the metrics. Pure.
#pragma once

#include <string>

#include "operator/artifacts/gc/collection.h"
#include "operator/base/time.h"
#include "operator/runtime/metrics.h"

namespace penstock::main {

struct CollectedWords {
  std::string text;     // one line
  bool failed = false;  // a namespace was not collected, or not to its end
};
[[nodiscard]] CollectedWords WordsOf(const artifacts::Collected& collected);

[[nodiscard]] runtime::StoreCounts CountsOf(const artifacts::Collected& collected, TimePoint now);

}  // namespace penstock::main
