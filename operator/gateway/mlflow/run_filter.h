// What a search asks of runs (search_text.h). Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/gateway/mlflow/search_text.h"
#include "operator/metadata/tracking.h"

namespace penstock::gateway {

// Invalid says where it cannot be read.
[[nodiscard]] Result<Comparisons> ParseRunFilter(const std::string& text);
[[nodiscard]] bool Matches(const Comparisons& filter, const metadata::TrackedRun& run);

// One of "metrics.auc DESC"; a run without the value comes last.
[[nodiscard]] Result<Order> ParseRunOrder(const std::string& text);
// By these, then newest first.
void Sort(std::vector<metadata::TrackedRun>& runs, const std::vector<Order>& orders);

// MLflow's word for where a run stands.
[[nodiscard]] std::string StatusOf(const metadata::TrackedRun& run);
// The name that the program gave it.
[[nodiscard]] std::string NameOf(const metadata::TrackedRun& run);

}  // namespace penstock::gateway
