// The outputs `metrics` (JSON) and `report` (a page) of a training. Pure: neither dates nor
// seconds, so that the same training writes the same bytes.
#pragma once

#include <string>

#include "components/sdk/page/page.h"
#include "components/train/outcome.h"
#include "components/train/target.h"
#include "components/train/trials.h"

namespace penstock::train {

// {"dataset": "outOfFold" or "valid", "rows", "overall": metrics as sdk's ToJson has them,
// "choice": {"metric", "value", "standardError", "dummy", "beatsDummy"}, "board", ...}.
[[nodiscard]] Json MetricsOf(const Table& table, const Outcome& outcome);

[[nodiscard]] std::string ReportPage(const Table& table, const Outcome& outcome);
// A table of them.
void AddMetrics(const sdk::Metrics& metrics, sdk::Page& page);
// What the page says, on a page of several trainings.
void AddTraining(const Table& table, const Outcome& outcome, sdk::Page& page);

}  // namespace penstock::train
