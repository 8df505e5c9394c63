// The page of the statistics (sdk/page). Pure.
#pragma once

#include <string>

#include "components/sdk/page/page.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

[[nodiscard]] std::string ReportPage(const Statistics& statistics);

// The bars that stand for a column: its histogram, else its frequent values and the rest.
[[nodiscard]] std::vector<sdk::PageBar> BarsOf(const Column& column);

}  // namespace penstock::statistics
