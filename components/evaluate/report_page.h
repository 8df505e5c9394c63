// The evaluation as a page for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "components/evaluate/calibration.h"
#include "components/evaluate/rows.h"
#include "components/evaluate/scoring.h"
#include "components/sdk/page/page.h"
#include "operator/base/json.h"

namespace penstock::evaluate {

// With its title.
[[nodiscard]] sdk::Page PageOf(const Scored& scored);

// `report` is the metrics artifact (docs/models.md, "The metrics artifact").
void AddEvaluation(const Scored& scored, const Json& report, const Calibration& calibration,
                   const std::vector<ShownRow>& worst, const std::vector<ShownRow>& spread,
                   sdk::Page* page);
// Of several labels: what is said of all together.
void AddAllLabels(const Json& report, sdk::Page* page);

}  // namespace penstock::evaluate
