// The evaluation as a page for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/calibration.h"
#include "components/evaluate/rows.h"
#include "components/evaluate/scoring.h"
#include "operator/base/json.h"

namespace penstock::evaluate {

// `report` is the metrics artifact (docs/models.md, "The metrics artifact").
[[nodiscard]] std::string ReportPage(const Scored& scored, const Json& report,
                                     const Calibration& calibration,
                                     const std::vector<ShownRow>& worst,
                                     const std::vector<ShownRow>& spread);

}  // namespace penstock::evaluate
