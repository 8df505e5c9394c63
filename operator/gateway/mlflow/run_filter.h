// What a search of MLflow's asks of runs: "metrics.auc > 0.8 and params.model = 'mlp'". Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

// Comparisons that all must hold. Of a value that a run does not have none does.
struct RunComparison {
  enum class Of : std::uint8_t { kAttribute, kParameter, kTag, kMetric } of = Of::kAttribute;
  std::string name;
  std::string how;   // = != < <= > >= LIKE ILIKE
  std::string text;  // what it is compared with: a text, or a number as it was written
  double number = 0;
};
using RunFilter = std::vector<RunComparison>;

// Invalid says where it cannot be read.
[[nodiscard]] Result<RunFilter> ParseRunFilter(const std::string& text);
[[nodiscard]] bool Matches(const RunFilter& filter, const metadata::TrackedRun& run);

// One of "metrics.auc DESC"; a run without the value comes last.
struct RunOrder {
  RunComparison by;  // without a comparison
  bool down = false;
};
[[nodiscard]] Result<RunOrder> ParseRunOrder(const std::string& text);
// By these, then newest first.
void Sort(std::vector<metadata::TrackedRun>& runs, const std::vector<RunOrder>& orders);

// MLflow's word for where a run stands.
[[nodiscard]] std::string StatusOf(const metadata::TrackedRun& run);
// The name that the program gave it.
[[nodiscard]] std::string NameOf(const metadata::TrackedRun& run);

}  // namespace penstock::gateway
