// The component `drift`: has what the rows look like changed?
//
//   inputs   reference, current (datasets), schema (optional: whose roles say what is left out)
//   outputs  drift (report.h, JSON), page (HTML)
//   results  verdict, drifted, count, worst, worstEffect, missing, auc, driftedSlices
#pragma once

#include "components/sdk/step.h"
#include "operator/base/result.h"

namespace penstock::drift {

[[nodiscard]] Result<void> RunDrift(sdk::Step& step);

}  // namespace penstock::drift
